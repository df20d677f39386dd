/**
 * Where no token is asked for, the browser of whoever may call is a way in: any page it shows could
 * send requests from there. It says whose page sent them, and that is what is looked at.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { DroverError } from '#kernel/errors.ts';
import { sessionTokenOf } from './session-cookie.ts';

const OWN_HOST = /^(?:(?:[a-z0-9-]+\.)?localhost|[\d.]+|\[[0-9a-f:.]+\])$/;
/** They change nothing. */
export const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Refuses what would change something, has no token, and comes from a page of another origin. */
export function registerCrossSiteGuard(app: FastifyInstance): void {
  app.addHook('onRequest', ({ method, headers }, _reply, done) => {
    const isReading = READING_METHODS.has(method);
    // With a session it was looked at when the caller was found out: see credentials.ts.
    const isSigned = headers.authorization !== undefined || sessionTokenOf(headers) !== undefined;
    done(isReading || isSigned ? undefined : refusalOf(headers));
  });
}

/** For a WebSocket, which no policy of browsers keeps from being opened by any page. */
export function assertSameOrigin(headers: IncomingHttpHeaders): void {
  const refusal = refusalOf(headers);
  if (refusal !== undefined) throw refusal;
}

/**
 * For who is known by a cookie, which the browser sends along by itself. There must be a page, and
 * it must be ours. A name that was made to lead here has no cookie of ours, so any host will do.
 */
export function assertOwnPage(headers: IncomingHttpHeaders): void {
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  const host = headers.host ?? headers[':authority'];
  const isOwn =
    site === undefined
      ? origin !== undefined && URL.parse(origin)?.host === host
      : site === 'same-origin';
  if (isOwn) return;
  throw new DroverError(
    'permission_denied',
    'a session is good for pages of this origin alone; send a token in the Authorization header',
    { reason: 'CROSS_SITE' },
  );
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
