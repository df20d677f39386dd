/** How every failure looks over REST: one status for each kind, one body for all. */
import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DroverError, toDroverError, type ErrorKind } from '#kernel/errors.ts';
import type { RouteTable } from './route-table.ts';

export const HTTP_STATUS: Record<ErrorKind, number> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 412,
  resource_exhausted: 429,
  aborted: 409,
  unavailable: 503,
  unimplemented: 501,
  deadline_exceeded: 504,
  cancelled: 499,
  data_loss: 500,
  internal: 500,
};

/** Where HTTP has a truer word than that of the kind, which would say to try again. */
const STATUS_OF_REASON: Readonly<Record<string, number>> = {
  ARCHIVE_TOO_LARGE: 413,
  DISK_FULL: 507,
  METHOD_NOT_ALLOWED: 405,
};

/** Who gives the reasons their meaning; part of the documented error details. */
export const ERROR_DOMAIN = 'metald.unkey.com';

const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly details: readonly {
    readonly '@type': typeof ERROR_INFO;
    readonly reason: string;
    readonly domain: string;
    readonly metadata: Readonly<Record<string, string>>;
  }[];
  readonly request_id: string;
}

export function errorToBody(error: DroverError, requestId: string): ErrorBody {
  return {
    code: errorKindToCode(error.kind),
    message: error.message,
    details: [
      {
        '@type': ERROR_INFO,
        reason: error.reason,
        domain: ERROR_DOMAIN,
        metadata: error.metadata,
      },
    ],
    request_id: requestId,
  };
}

/** The word on the wire; gRPC and Connect spell one of them the American way. */
export function errorKindToCode(kind: ErrorKind): string {
  return kind === 'cancelled' ? 'canceled' : kind;
}

export interface HttpFailure {
  readonly status: number;
  readonly error: DroverError;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A thrown thing as status, headers and error. What Fastify itself refuses keeps the status it
 * has in HTTP (413, 415…), for which there is no kind.
 */
export function toHttpFailure(thrown: unknown): HttpFailure {
  if (thrown instanceof HttpRefusal) return { status: thrown.status, error: thrown, headers: {} };
  const refused = toFrameworkRefusal(thrown);
  if (refused !== undefined) return { ...refused, headers: {} };
  const error = toDroverError(thrown);
  const status = STATUS_OF_REASON[error.reason] ?? HTTP_STATUS[error.kind];
  return { status, error, headers: headersFor(error) };
}

function headersFor(error: DroverError): Record<string, string> {
  if (error.kind === 'unauthenticated') {
    const isMissing = error.reason === 'MISSING_TOKEN';
    return { 'www-authenticate': isMissing ? 'Bearer' : 'Bearer error="invalid_token"' };
  }
  const afterSeconds = error.metadata['retry_after_seconds'] ?? error.metadata['retryAfter'];
  if (afterSeconds !== undefined && /^\d{1,9}$/.test(afterSeconds)) {
    return { 'retry-after': afterSeconds };
  }
  return {};
}

interface FrameworkRefusal {
  readonly reason: string;
  readonly message: string;
}

/** Fastify's own refusals by its code, in words that say what to do. */
const FRAMEWORK_REFUSALS: Readonly<Record<string, FrameworkRefusal>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    reason: 'BODY_TOO_LARGE',
    message: 'the request body is larger than this path accepts',
  },
  FST_ERR_CTP_INVALID_JSON_BODY: {
    reason: 'MALFORMED_JSON',
    message: 'the request body is not valid JSON',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    reason: 'MALFORMED_JSON',
    message: 'the request body is empty; send a JSON document',
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    reason: 'UNSUPPORTED_MEDIA_TYPE',
    message: "the content type is not supported here; send 'Content-Type: application/json'",
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    reason: 'CONTENT_LENGTH_MISMATCH',
    message: 'the request body is not as long as its Content-Length says',
  },
  FST_ERR_BAD_URL: { reason: 'BAD_URL', message: 'the URL is not validly encoded' },
};

function toFrameworkRefusal(
  thrown: unknown,
): { readonly status: number; readonly error: DroverError } | undefined {
  if (thrown instanceof DroverError || !(thrown instanceof Error)) return undefined;
  if (!('statusCode' in thrown) || typeof thrown.statusCode !== 'number') return undefined;
  const status = thrown.statusCode;
  if (status < 400 || status > 499) return undefined;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  const known = FRAMEWORK_REFUSALS[code];
  // A body that is not JSON reaches us as a plain SyntaxError with the status alone.
  const isSyntax = thrown instanceof SyntaxError;
  const { reason, message } =
    known ??
    (isSyntax
      ? { reason: 'MALFORMED_JSON', message: 'the request body is not valid JSON' }
      : { reason: 'BAD_REQUEST', message: STATUS_CODES[status]?.toLowerCase() ?? 'bad request' });
  const kind = status === 413 ? 'resource_exhausted' : 'invalid_argument';
  return { status, error: new DroverError(kind, message, { reason, cause: thrown }) };
}

/** A refusal whose HTTP status is finer than its kind's. */
export class HttpRefusal extends DroverError {
  readonly status: number;

  constructor(status: number, message: string, reason: string) {
    super('invalid_argument', message, { reason });
    this.status = status;
  }
}

/** Answers a thrown error; Fastify's error handler, and for whoever must answer by hand. */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, error, headers } = toHttpFailure(thrown);
  request.failure = error;
  if (status >= 500) request.log.error({ err: error }, 'request failed');
  // Fastify asks for the end of the connection when a body was refused; HTTP/2 has no such header.
  if (request.raw.httpVersionMajor === 2) reply.removeHeader('connection');
  void reply
    .code(status)
    .headers(headers)
    .type('application/json; charset=utf-8')
    .send(writeBody(error, request));
}

function writeBody(error: DroverError, { server, url, id }: FastifyRequest): string {
  return JSON.stringify(server.errorForms.bodyFor(url, error, id));
}

/**
 * Fastify's handler of unknown paths: 405 where the path exists for other methods; the web page
 * where a browser opens what is below no API; else 404.
 */
export function createNotFoundHandler(
  routes: RouteTable,
): (request: FastifyRequest, reply: FastifyReply) => void {
  return (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/';
    const allowed = routes.methodsFor(path);
    if (allowed.length === 0) {
      const isPage = !routes.isBelow(path) && request.server.navigations.answer(request, reply);
      if (isPage) return;
      sendError(pathNotFound(path, routes.nearest(path)), request, reply);
      return;
    }
    const allow = allowed.join(', ');
    request.failure = new DroverError(
      'unimplemented',
      `this path does not answer ${request.method}; it answers ${allow}`,
      { reason: 'METHOD_NOT_ALLOWED', metadata: { allow } },
    );
    void reply
      .code(405)
      .header('allow', allow)
      .type('application/json; charset=utf-8')
      .send(writeBody(request.failure, request));
  };
}

function pathNotFound(path: string, nearest: string | undefined): DroverError {
  const hint = nearest === undefined ? '' : `; the nearest is ${nearest}`;
  return new DroverError(
    'not_found',
    `there is nothing at this path${hint}; /openapi.json lists the paths that exist`,
    { reason: 'PATH_NOT_FOUND', metadata: { path: path.slice(0, 256) } },
  );
}
