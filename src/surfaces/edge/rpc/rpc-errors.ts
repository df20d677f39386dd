/** How every failure looks over the RPC protocols. The one table from kinds to codes is here. */
import { Code, ConnectError } from '@connectrpc/connect';
import { errorToJson } from '@connectrpc/connect/protocol-connect';
import { ErrorInfoSchema } from '#gen/google/rpc/error_details_pb.js';
import { DroverError, type ErrorKind } from '#kernel/errors.ts';
import { HTTP_STATUS, toHttpFailure } from '#surfaces/edge/http-errors.ts';

const CODE: Record<ErrorKind, Code> = {
  invalid_argument: Code.InvalidArgument,
  unauthenticated: Code.Unauthenticated,
  permission_denied: Code.PermissionDenied,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  failed_precondition: Code.FailedPrecondition,
  resource_exhausted: Code.ResourceExhausted,
  aborted: Code.Aborted,
  unavailable: Code.Unavailable,
  unimplemented: Code.Unimplemented,
  deadline_exceeded: Code.DeadlineExceeded,
  cancelled: Code.Canceled,
  data_loss: Code.DataLoss,
  internal: Code.Internal,
};

/** The HTTP status of a Connect unary answer; kinds keep the status they have over REST. */
const STATUS: ReadonlyMap<Code, number> = new Map([
  [Code.OutOfRange, 400],
  [Code.Unknown, 500],
  ...(Object.keys(CODE) as ErrorKind[]).map((kind) => [CODE[kind], HTTP_STATUS[kind]] as const),
]);

/** The error as the protocol handlers know it, the reason and its facts as a detail. */
export function droverErrorToConnect(error: DroverError, domain: string): ConnectError {
  const info = { reason: error.reason, domain, metadata: { ...error.metadata } };
  const details = [{ desc: ErrorInfoSchema, value: info }];
  // Half a surrogate pair, as cutting a text can leave, has no place in a trailer.
  const message = error.message.toWellFormed();
  return new ConnectError(message, CODE[error.kind], undefined, details, error);
}

export function connectErrorToStatus(error: ConnectError): number {
  return STATUS.get(error.code) ?? 500;
}

/** Headers that belong to the failure, such as `WWW-Authenticate`. */
export function connectErrorToHeaders(error: ConnectError): Readonly<Record<string, string>> {
  return error.cause instanceof DroverError ? toHttpFailure(error.cause).headers : {};
}

/**
 * Each detail in both forms at once: `type` and `value` are what Connect clients read, `@type`
 * and the fields beside it are what the API document shows.
 */
export function connectErrorToJson(error: ConnectError): Record<string, unknown> {
  const json = errorToJson(error, { useProtoFieldName: true });
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return {};
  const { details } = json;
  if (!Array.isArray(details)) return json;
  return { ...json, details: details.map(toDocumentedDetail) };
}

function toDocumentedDetail(detail: unknown): unknown {
  if (typeof detail !== 'object' || detail === null) return detail;
  const { type, value, debug } = detail as Record<string, unknown>;
  const fields = typeof debug === 'object' ? debug : {};
  return { '@type': `type.googleapis.com/${String(type)}`, ...fields, type, value };
}
