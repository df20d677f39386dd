/** Failures as Prometheus tells them: a status, a word for programs and a sentence. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorKind } from '#kernel/errors.ts';
import { HttpRefusal, toHttpFailure } from '#surfaces/edge/http-errors.ts';

interface PrometheusFailure {
  readonly status: number;
  readonly errorType: string;
}

const FAILURES: Record<ErrorKind, PrometheusFailure> = {
  invalid_argument: { status: 400, errorType: 'bad_data' },
  unauthenticated: { status: 401, errorType: 'unauthorized' },
  permission_denied: { status: 403, errorType: 'forbidden' },
  not_found: { status: 404, errorType: 'not_found' },
  already_exists: { status: 409, errorType: 'bad_data' },
  failed_precondition: { status: 422, errorType: 'execution' },
  // A query that asks too much is one that cannot be executed.
  resource_exhausted: { status: 422, errorType: 'execution' },
  aborted: { status: 503, errorType: 'unavailable' },
  unavailable: { status: 503, errorType: 'unavailable' },
  unimplemented: { status: 400, errorType: 'bad_data' },
  deadline_exceeded: { status: 503, errorType: 'timeout' },
  cancelled: { status: 503, errorType: 'canceled' },
  data_loss: { status: 500, errorType: 'internal' },
  internal: { status: 500, errorType: 'internal' },
};

export function sendPrometheusError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { status: refusal, error, headers } = toHttpFailure(thrown);
  const { status: usual, errorType } = FAILURES[error.kind];
  // What was refused before it became a query (too large, no form) keeps its own status.
  const isFinal = thrown instanceof HttpRefusal || error.reason === 'BODY_TOO_LARGE';
  const status = isFinal || refusal === 415 ? refusal : usual;
  request.failure = error;
  if (status === 500) request.log.error({ err: error }, 'request failed');
  if (request.raw.httpVersionMajor === 2) reply.removeHeader('connection');
  void reply
    .code(status)
    .headers(headers)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ status: 'error', errorType, error: error.message }));
}
