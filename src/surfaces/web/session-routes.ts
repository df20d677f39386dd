/**
 * `/api/session`: a browser shows a token once and is known by a cookie from then on.
 *
 *   signed out ── POST {token} ──▶ signed in ── DELETE, or the token is over ──▶ signed out
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Authenticator } from '#access/authenticator.ts';
import { mayChange, type Principal } from '#access/principal.ts';
import { invalidArgument, isErrorKind } from '#kernel/errors.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import { authorizationOf } from '#surfaces/edge/credentials.ts';
import { assertOwnPage } from '#surfaces/edge/cross-site.ts';
import { endSession, fitsCookie, keepSession } from '#surfaces/edge/session-cookie.ts';

export interface SessionParts {
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  /** Development tokens are accepted: the page signs in with one by itself. */
  readonly devMode: boolean;
  readonly version: string;
}

const PATH = '/api/session';
const PUBLIC = { config: { public: true } };

export function registerSession(app: FastifyInstance, parts: SessionParts): void {
  const { authenticator, devMode } = parts;
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.header('cache-control', 'no-store');
    done();
  });

  app.get(PATH, PUBLIC, async (request, reply) => {
    const authorization = authorizationOf(request.headers, request.method);
    if (authorization === undefined) return { authenticated: false, dev_mode: devMode };
    try {
      return toJson(
        await authenticator.authenticate(authorization, () => callerSignal(reply)),
        devMode,
      );
    } catch (thrown) {
      if (!isErrorKind(thrown, 'unauthenticated')) throw thrown;
      // It is over, so that the browser need not show it any more.
      void reply.header('set-cookie', endSession({ isSecure: request.protocol === 'https' }));
      return { authenticated: false, dev_mode: devMode };
    }
  });

  app.get(`${PATH}/openapi.json`, PUBLIC, async () => {
    const { createOpenApi } = await import('./openapi.ts');
    return createOpenApi(parts.version);
  });

  app.post(PATH, PUBLIC, async (request, reply) => {
    // A page of somebody else's must not sign anyone in as somebody of its choice.
    if (request.headers.origin !== undefined) assertOwnPage(request.headers);
    const token = parseToken(request);
    const principal = await authenticator.authenticate(`Bearer ${token}`, () =>
      callerSignal(reply),
    );
    request.principal = principal;
    void reply.header('set-cookie', keepSession(token, { isSecure: request.protocol === 'https' }));
    return toJson(principal, devMode);
  });

  app.delete(PATH, PUBLIC, async (request, reply) => {
    if (request.headers.origin !== undefined) assertOwnPage(request.headers);
    void reply.header('set-cookie', endSession({ isSecure: request.protocol === 'https' }));
    return reply.code(204).send();
  });
}

function parseToken({ body }: FastifyRequest): string {
  const token = typeof body === 'object' && body !== null && 'token' in body ? body.token : null;
  if (typeof token !== 'string' || token === '') {
    throw invalidArgument('token', 'must be a token, as text');
  }
  if (fitsCookie(token)) return token;
  throw invalidArgument('token', 'must be at most 3800 characters of those that tokens have');
}

function toJson(principal: Principal, devMode: boolean): object {
  const customerId = principal.kind === 'customer' ? principal.customerId : null;
  return {
    authenticated: true,
    dev_mode: devMode,
    kind: principal.kind,
    name: principal.kind === 'operator' ? principal.name : principal.customerId,
    customer_id: customerId,
    may_change: mayChange(principal),
  };
}
