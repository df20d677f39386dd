/**
 * Where no token is asked for, the browser of whoever may call is a way in: any page it shows could
 * send requests from there. It says whose page sent them, and that is what is looked at.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { DroverError } from '#kernel/errors.ts';

const OWN_HOST = /^(?:(?:[a-z0-9-]+\.)?localhost|[\d.]+|\[[0-9a-f:.]+\])$/;
const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Refuses what would change something, has no token, and comes from a page of another origin. */
export function registerCrossSiteGuard(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const isHarmless = READING.has(request.method) || request.headers.authorization !== undefined;
    done(isHarmless ? undefined : refusalOf(request.headers));
  });
}

/** For a WebSocket, which no policy of browsers keeps from being opened by any page. */
export function assertSameOrigin(headers: IncomingHttpHeaders): void {
  const refusal = refusalOf(headers);
  if (refusal !== undefined) throw refusal;
}

function refusalOf(headers: IncomingHttpHeaders): DroverError | undefined {
  if (!isCrossSite(headers)) return undefined;
  return new DroverError(
    'permission_denied',
    'a page of another origin may not do this without a token; send one',
    { reason: 'CROSS_SITE' },
  );
}

function isCrossSite(headers: IncomingHttpHeaders): boolean {
  const { origin } = headers;
  // Programs that are no browsers say neither.
  if (origin === undefined) return headers['sec-fetch-site'] === 'cross-site';
  const host = headers.host ?? headers[':authority'];
  const page = URL.parse(origin);
  // A name can be made to lead here by whoever owns it; an address, and localhost, cannot.
  return page === null || page.host !== host || !OWN_HOST.test(page.hostname);
}
