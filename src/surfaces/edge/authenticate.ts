/** Every REST route asks who is there, unless its config says `public: true`. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Authenticator } from '#access/authenticator.ts';
import type { Principal } from '#access/principal.ts';
import { DroverError } from '#kernel/errors.ts';
import { callerSignal } from './caller-signal.ts';
import { authorizationOf } from './credentials.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route answers anyone, without looking at what the caller shows. */
    readonly public?: boolean;
  }
}

export interface AuthenticationOptions {
  /** Whom a caller without credentials is taken for; undefined refuses such callers. */
  readonly anonymous?: Principal | undefined;
}

/**
 * Authenticates before the body is read, so that a stranger's megabytes are not. Unknown paths
 * answer 404 to all: which paths exist is in the public API document anyway.
 */
export function registerAuthentication(
  app: FastifyInstance,
  authenticator: Authenticator,
  { anonymous }: AuthenticationOptions = {},
): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404 || request.routeOptions.config.public === true) {
      done();
      return;
    }
    const admit = (principal: Principal) => {
      request.principal = principal;
      done();
    };
    const authorization = authorizationOf(request.headers, request.method);
    if (authorization === undefined && anonymous !== undefined) {
      admit(anonymous);
      return;
    }
    const found = authenticator.authenticate(authorization, () => callerSignal(reply));
    if (found instanceof Promise) found.then(admit, done);
    else admit(found);
  });
}

/** Who asks, on a route that is not public. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal !== null) return request.principal;
  throw new DroverError('internal', 'this route is open to all and must not ask who calls');
}
