/** `GET /metrics/api/metrics/sse`: the numbers of the pool, again and again. */
import type { ServerResponse } from 'node:http';
import { Http2ServerResponse } from 'node:http2';
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { REQUEST_ID_HEADER } from '#surfaces/edge/request-id.ts';
import { Broadcast } from './broadcast.ts';
import { serve } from './paths.ts';
import type { PoolMetricsParts } from './pool-metrics-parts.ts';
import { takeSnapshot } from './pool-snapshot.ts';

/** Well within the time after which proxies give up on a silent connection. */
const HEARTBEAT_MS = 15 * SECOND_MS;
export const MAX_STREAMS = 1000;

export function registerSse(app: FastifyInstance, parts: PoolMetricsParts): void {
  const broadcast = new Broadcast({
    clock: parts.clock,
    intervalMs: parts.sseIntervalMs,
    heartbeatMs: HEARTBEAT_MS,
    maxReaders: MAX_STREAMS,
    read: () => JSON.stringify(takeSnapshot(parts)),
  });
  app.draining.addEventListener('abort', () => broadcast.end(), { once: true });
  serve(app, 'sse', async (request, reply) => {
    assertOperator(principalOf(request));
    broadcast.assertRoom();
    const { raw } = reply;
    reply.hijack();
    // Who asks may have gone while it was found out who that is; then no close would follow.
    if (isGone(raw)) return;
    raw.writeHead(200, {
      [REQUEST_ID_HEADER]: request.id,
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      // A header of HTTP/1.1 alone.
      ...(request.raw.httpVersionMajor === 1 && { connection: 'keep-alive' }),
      // Tells nginx to pass events on as they come.
      'x-accel-buffering': 'no',
    });
    if (request.method === 'HEAD') raw.end();
    else broadcast.join(raw);
  });
}

function isGone(raw: ServerResponse): boolean {
  return raw instanceof Http2ServerResponse ? raw.stream.destroyed : raw.destroyed;
}
