/**
 * The cookie in which a browser keeps the token it signed in with. Scripts cannot read it, and no
 * page of another site has it sent along.
 */
import type { IncomingHttpHeaders } from 'node:http';

const NAME = 'drover_session';
/** What may stand in the value of a cookie as it is; every kind of token is made of these. */
const TOKEN = /^[A-Za-z0-9._~+/=@:-]+$/;
/** Browsers drop cookies that are longer, and say nothing. */
const MOST_TOKEN_CHARS = 3800;
const KEPT_SECONDS = 30 * 24 * 60 * 60;

export function fitsCookie(token: string): boolean {
  return token.length <= MOST_TOKEN_CHARS && TOKEN.test(token);
}

export function sessionTokenOf({ cookie }: IncomingHttpHeaders): string | undefined {
  // Most requests have none, or none of ours.
  if (cookie === undefined || !cookie.includes(NAME)) return undefined;
  const value = cookie
    .split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${NAME}=`))
    ?.slice(NAME.length + 1);
  return value === undefined || value === '' ? undefined : value;
}

/** The cookies of a header without ours; undefined when nothing is left. */
export function withoutSession(cookie: string): string | undefined {
  if (!cookie.includes(NAME)) return cookie;
  const others = cookie.split(';').filter((pair) => !pair.trim().startsWith(`${NAME}=`));
  const left = others.join(';').trim();
  return left === '' ? undefined : left;
}

export interface SessionCookieOptions {
  /** The connection is under TLS, and the browser is to use the cookie there alone. */
  readonly isSecure: boolean;
}

export function keepSession(token: string, options: SessionCookieOptions): string {
  return `${NAME}=${token}; Max-Age=${KEPT_SECONDS}${attributes(options)}`;
}

export function endSession(options: SessionCookieOptions): string {
  return `${NAME}=; Max-Age=0${attributes(options)}`;
}

function attributes({ isSecure }: SessionCookieOptions): string {
  return `; Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}
