/** Every call asks who is there before its body is read. Health and reflection do not. */
import { createContextKey } from '@connectrpc/connect';
import type { ContextKey, HandlerContext } from '@connectrpc/connect';
import type { Authenticator } from '#access/authenticator.ts';
import type { Principal } from '#access/principal.ts';
import { DroverError } from '#kernel/errors.ts';
import { authorizationOf } from '#surfaces/edge/credentials.ts';
import { createCallSignal } from './call-signal.ts';
import type { RpcGate } from './error-interceptor.ts';
import { edgeRequestKey } from './rpc-request.ts';

const principalKey: ContextKey<Principal | undefined> = createContextKey<Principal | undefined>(
  undefined,
  { description: 'who calls' },
);

export function createAuthenticationGate(authenticator: Authenticator): RpcGate {
  return async ({ requestHeader, signal, values }) => {
    const request = values.get(edgeRequestKey);
    const authorization =
      request === undefined
        ? (requestHeader.get('authorization') ?? undefined)
        : authorizationOf(request.headers, request.method);
    const gone = () => createCallSignal(signal);
    const principal = await authenticator.authenticate(authorization, gone);
    values.set(principalKey, principal);
    if (request !== undefined) request.principal = principal;
  };
}

/** Who makes this call. */
export function callerOf(context: Pick<HandlerContext, 'values'>): Principal {
  const principal = context.values.get(principalKey);
  if (principal !== undefined) return principal;
  throw new DroverError('internal', 'this call is open to all and must not ask who calls');
}
