/**
 * What a request shows to prove who it comes from: the Authorization header, or else the cookie of
 * a browser that signed in. A browser sends the cookie by itself, whoever made it ask. So with the
 * cookie alone nothing is changed, and no WebSocket opened, but for a page of ours.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { READING_METHODS, assertOwnPage } from './cross-site.ts';
import { sessionTokenOf } from './session-cookie.ts';

/** In the form of an Authorization header; undefined when there is neither. */
export function authorizationOf(headers: IncomingHttpHeaders, method: string): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) return authorization;
  const token = sessionTokenOf(headers);
  if (token === undefined) return undefined;
  if (!READING_METHODS.has(method)) assertOwnPage(headers);
  return `Bearer ${token}`;
}

/** The same for a WebSocket, which is a GET and yet no reading. */
export function socketAuthorizationOf(headers: IncomingHttpHeaders): string | undefined {
  return authorizationOf(headers, 'CONNECT');
}
