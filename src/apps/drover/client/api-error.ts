/** What a call to the server can fail with, turned back into the kinds that Drover knows. */
import { Code, ConnectError } from '@connectrpc/connect';

import { ErrorInfoSchema } from '#gen/google/rpc/error_details_pb.js';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import type { ErrorKind } from '#kernel/errors.ts';

const KINDS: Record<Code, ErrorKind> = {
  [Code.Canceled]: 'cancelled',
  [Code.Unknown]: 'internal',
  [Code.InvalidArgument]: 'invalid_argument',
  [Code.DeadlineExceeded]: 'deadline_exceeded',
  [Code.NotFound]: 'not_found',
  [Code.AlreadyExists]: 'already_exists',
  [Code.PermissionDenied]: 'permission_denied',
  [Code.ResourceExhausted]: 'resource_exhausted',
  [Code.FailedPrecondition]: 'failed_precondition',
  [Code.Aborted]: 'aborted',
  [Code.OutOfRange]: 'invalid_argument',
  [Code.Unimplemented]: 'unimplemented',
  [Code.Internal]: 'internal',
  [Code.Unavailable]: 'unavailable',
  [Code.DataLoss]: 'data_loss',
  [Code.Unauthenticated]: 'unauthenticated',
};

/** `server` is its URL, for the message that says it cannot be reached. */
export function apiErrorToDrover(thrown: unknown, server: string): DroverError {
  if (thrown instanceof DroverError) return thrown;
  const error = ConnectError.from(thrown);
  if (error.cause instanceof DroverError) return error.cause;
  const systemCode = networkCode(error);
  if (systemCode === 'ECONNRESET' || isCutShort(error)) {
    return new DroverError('unavailable', `the connection to ${server} was lost`, {
      reason: 'CONNECTION_LOST',
      cause: thrown,
    });
  }
  if (systemCode !== undefined && error.code !== Code.Canceled) {
    return new DroverError('unavailable', `cannot reach the server at ${server} (${systemCode})`, {
      reason: 'SERVER_UNREACHABLE',
      cause: thrown,
    });
  }
  const [info] = error.findDetails(ErrorInfoSchema);
  const metadata = Object.fromEntries(Object.entries(info?.metadata ?? {}));
  return new DroverError(KINDS[error.code], error.rawMessage, {
    ...(info === undefined ? {} : { reason: info.reason }),
    metadata,
    cause: thrown,
  });
}

/** Whether asking again may find the server back. */
export function isConnectionTrouble(error: DroverError): boolean {
  return error.kind === 'unavailable';
}

/** The stream ended without the frame that says how it ended. */
function isCutShort(error: ConnectError): boolean {
  return /missing EndStreamResponse|premature|socket hang up/i.test(error.rawMessage);
}

function networkCode(error: ConnectError): string | undefined {
  let cause: unknown = error.cause;
  for (let depth = 0; depth < 4 && cause instanceof Error; depth += 1) {
    const code = systemErrorCode(cause);
    if (code !== undefined) return code;
    cause = cause.cause;
  }
  return undefined;
}
