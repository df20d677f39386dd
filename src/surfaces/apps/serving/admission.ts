/**
 * Who may call an app, by its manifest. The token that a caller shows to the platform is for the
 * platform: whatever an app is given, that is not among it.
 */
import type { Authenticator } from '#access/authenticator.ts';
import { assertOperator, type Principal } from '#access/principal.ts';
import { isErrorKind } from '#kernel/errors.ts';
import type { AppAccess } from '#workers/apps/app.ts';
import type { Caller } from '#workers/exchange.ts';

export interface Admission {
  /** For the platform's own log. */
  readonly principal: Principal | undefined;
  /** What the app is told. */
  readonly caller: Caller | undefined;
  readonly dropAuthorization: boolean;
}

/** Of somebody without any token, where anybody may call: by far the most, and never waited for. */
export const ANYBODY: Admission = {
  principal: undefined,
  caller: undefined,
  dropAuthorization: false,
};

// Nothing but a token of ours looks like this, though it may be one that is over.
const OURS = /^bearer +drover_/i;

export async function admit(
  access: AppAccess,
  authorization: string | undefined,
  authenticate: (header: string | undefined) => ReturnType<Authenticator['authenticate']>,
): Promise<Admission> {
  if (access === 'public') return await admitAnybody(authorization, authenticate);
  const principal = await authenticate(authorization);
  if (access === 'operator') assertOperator(principal);
  return { principal, caller: principalToCaller(principal), dropAuthorization: true };
}

/** A header that is not for us may be for the app. If that cannot be found out it is kept back. */
async function admitAnybody(
  authorization: string | undefined,
  authenticate: (header: string | undefined) => ReturnType<Authenticator['authenticate']>,
): Promise<Admission> {
  if (authorization === undefined) return ANYBODY;
  try {
    const principal = await authenticate(authorization);
    return { ...ANYBODY, principal, dropAuthorization: true };
  } catch (thrown) {
    const isForeign = isErrorKind(thrown, 'unauthenticated') && !OURS.test(authorization);
    return { ...ANYBODY, dropAuthorization: !isForeign };
  }
}

function principalToCaller(principal: Principal): Caller {
  return principal.kind === 'operator'
    ? { kind: 'operator', id: principal.name }
    : { kind: 'customer', id: principal.customerId };
}
