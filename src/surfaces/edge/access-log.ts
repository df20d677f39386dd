/**
 * One log line and one measurement for each request, when its answer is finished or its client
 * is gone. Routes are logged and measured as patterns, so that ids do not multiply the metrics.
 */
import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { principalToLogId } from '#access/principal.ts';
import type { Clock } from '#kernel/clock.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { HTTP_STATUS } from './http-errors.ts';
import type { Logger } from './logger.ts';
import { redactPath } from './redaction.ts';

export interface AccessLogOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics?: MetricsRegistry;
}

// Asked for every few seconds by machines, or as often as the users of an app like; they would
// drown what people do here. Failures are told all the same, and all of it is measured.
const QUIET_ROUTES = new Set([
  ...['/health', '/metrics', '/apps/:spec/*', '/*', '/assets/:file'],
  ...['/api/health', '/api/servers/overview', '/api/servers/summary', '/api/metrics/prometheus'],
  ...['', '/', '/prometheus', '/prometheus/', '/stats', '/stats/'].map(
    (end) => `/metrics/api/metrics${end}`,
  ),
]);
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** What nginx and others note for a client that went before the answer was complete. */
const CLIENT_GONE = 499;
const UNMATCHED = '(unmatched)';

type RequestLabels = 'route' | 'method' | 'code';

export function registerAccessLog(app: FastifyInstance, options: AccessLogOptions): void {
  const { clock, metrics } = options;
  const observe = createObserver(metrics);
  app.addHook('onRequest', (request, reply, done) => {
    const startedMs = clock.monotonicMs();
    // Asked for once: Fastify makes an object of a dozen fields each time.
    const route = request.routeOptions.url ?? UNMATCHED;
    const remote = request.socket.remoteAddress;
    const sentBefore = request.raw.httpVersionMajor === 1 ? request.socket.bytesWritten : undefined;
    // The close of the answer comes once in every case: finished, hijacked, or given up on.
    reply.raw.on('close', () => {
      const durationMs = clock.monotonicMs() - startedMs;
      const { method } = request;
      observe({ route, method, status: statusOf(reply), seconds: durationMs / 1000 });
      logAnswer(options.log, { request, reply, route, durationMs, remote, sentBefore });
    });
    done();
  });
}

interface Measured {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

function createObserver(metrics: MetricsRegistry | undefined): (measured: Measured) => void {
  const durations = metrics?.histogram<RequestLabels>({
    name: 'drover_http_request_duration_seconds',
    help: 'Time from the headers of a request to the end of its answer, by route pattern.',
    labels: ['route', 'method', 'code'],
  });
  if (durations === undefined) return () => undefined;
  // To find the same labels again, or to make a text of a number, takes longer than to count.
  const known = new Map<string, Map<string, Map<number, (seconds: number) => void>>>();
  return ({ route, method: asked, status, seconds }) => {
    const method = METHODS.has(asked) ? asked : 'other';
    let ofRoute = known.get(route);
    if (ofRoute === undefined) known.set(route, (ofRoute = new Map()));
    let ofMethod = ofRoute.get(method);
    if (ofMethod === undefined) ofRoute.set(method, (ofMethod = new Map()));
    // Apps answer what they like, so that only what is known becomes a label.
    const isKnown = status === CLIENT_GONE || STATUS_CODES[status] !== undefined;
    const key = isKnown ? status : 0;
    let bound = ofMethod.get(key);
    if (bound === undefined) {
      bound = durations.bind({ route, method, code: isKnown ? String(status) : 'other' });
      ofMethod.set(key, bound);
    }
    bound(seconds);
  };
}

interface LoggedAnswer {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly route: string;
  readonly durationMs: number;
  /** Read at the start: the socket forgets it when it closes. */
  readonly remote: string | undefined;
  readonly sentBefore: number | undefined;
}

function logAnswer(log: Logger, answered: LoggedAnswer): void {
  const { request, reply, route, durationMs, sentBefore } = answered;
  const status = statusOf(reply);
  const { principal, failure } = request;
  // Over gRPC a failure travels under status 200; its kind tells how bad it is.
  const gravity = failure === null || status >= 400 ? status : HTTP_STATUS[failure.kind];
  const level = levelFor(route, gravity);
  if (!log.isLevelEnabled(level)) return;
  const bytes = bytesSent(request, reply, sentBefore);
  log[level](
    {
      request_id: request.id,
      method: request.method,
      route,
      path: redactPath(request.url),
      status,
      duration_ms: Math.round(durationMs * 1000) / 1000,
      ...(bytes !== undefined && { bytes }),
      protocol: `HTTP/${request.raw.httpVersion}`,
      remote: answered.remote,
      ...(principal !== null && { principal: principalToLogId(principal) }),
      ...(failure !== null && { reason: failure.reason, failure: failure.message }),
      ...(!reply.raw.writableFinished && { aborted: true }),
    },
    'request',
  );
}

function statusOf(reply: FastifyReply): number {
  return reply.raw.headersSent ? reply.raw.statusCode : CLIENT_GONE;
}

function levelFor(route: string, status: number): 'debug' | 'info' | 'warn' | 'error' {
  if (status >= 500) return 'error';
  if (QUIET_ROUTES.has(route)) return 'debug';
  return status >= 400 && status !== CLIENT_GONE ? 'warn' : 'info';
}

/** Of the body as declared; without a declared length, of all that HTTP/1.1 put on the wire. */
function bytesSent(
  request: FastifyRequest,
  reply: FastifyReply,
  sentBefore: number | undefined,
): number | undefined {
  const declared = reply.getHeader('content-length');
  if (declared !== undefined) return Number(declared);
  return sentBefore === undefined ? undefined : request.socket.bytesWritten - sentBefore;
}
