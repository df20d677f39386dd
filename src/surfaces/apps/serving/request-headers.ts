/**
 * The headers of a request as an app gets them: those of the caller without what concerns only the
 * connection, without what only the platform may say, and with what the platform knows itself.
 */
import { Http2ServerRequest } from 'node:http2';
import { TLSSocket } from 'node:tls';
import { HttpRefusal } from '#surfaces/edge/http-errors.ts';
import { withoutSession } from '#surfaces/edge/session-cookie.ts';
import type { FlatHeaders } from '#workers/exchange.ts';
import type { RawRequest } from './raw-http.ts';

export interface ForwardingOptions {
  readonly requestId: string;
  readonly base: string;
  /** It was the platform's own. */
  readonly dropAuthorization: boolean;
  readonly isUpgrade: boolean;
}

/** Of one connection each, by RFC 9110; and what the platform says in the caller's place. */
const NOT_PASSED_ON = new Set([
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['http2-settings', 'expect', 'forwarded', 'x-base', 'x-request-id'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'],
]);

const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;
/** How most connections put it, which names no header. */
const PLAIN_CONNECTION = new Set(['keep-alive', 'close', 'upgrade']);

export function forwardedHeaders(raw: RawRequest, options: ForwardingOptions): FlatHeaders {
  const { rawHeaders } = raw;
  const isHttp2 = raw instanceof Http2ServerRequest;
  const named = namedByConnection(raw.headers.connection);
  const headers: string[] = [];
  let cookie: string | undefined;
  let hasAuthorization = options.dropAuthorization;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    const value = rawHeaders[at + 1] ?? '';
    if (NOT_PASSED_ON.has(name) || named?.has(name) === true) continue;
    if (name.startsWith('x-drover-') || name.startsWith('proxy-') || name.startsWith(':')) continue;
    if (name === 'authorization') {
      // Only the first was looked at, so only the first may pass.
      if (hasAuthorization) continue;
      hasAuthorization = true;
    }
    if (name !== 'cookie') {
      headers.push(name, value);
      continue;
    }
    // Who is signed in here is nothing for an app to know.
    const others = withoutSession(value);
    if (others === undefined) continue;
    // HTTP/2 may cut it in pieces, which are not a list.
    if (isHttp2) cookie = cookie === undefined ? others : `${cookie}; ${others}`;
    else headers.push(name, others);
  }
  if (cookie !== undefined) headers.push('cookie', cookie);
  const host = hostOf(raw);
  if (isHttp2 && raw.headers.host === undefined) headers.push('host', host);
  headers.push('x-forwarded-for', raw.socket.remoteAddress ?? 'unknown');
  headers.push('x-forwarded-host', host, 'x-forwarded-proto', schemeOf(raw));
  headers.push('x-request-id', options.requestId, 'x-base', options.base);
  if (options.isUpgrade) headers.push('connection', 'Upgrade', 'upgrade', 'websocket');
  return headers;
}

/** With the scheme and the host that the caller used. */
export function appUrl(raw: RawRequest, path: string): string {
  return `${schemeOf(raw)}://${hostOf(raw)}${path}`;
}

let lastGoodHost = 'localhost';

/** Checked, since it becomes part of a URL. Callers of HTTP/1.0 may name none. */
function hostOf(raw: RawRequest): string {
  const host = hostHeaderOf(raw) ?? 'localhost';
  // Mostly it is the same again.
  if (host === lastGoodHost) return host;
  if (!HOST.test(host)) throw new HttpRefusal(400, 'the Host header names no host', 'BAD_HOST');
  lastGoodHost = host;
  return host;
}

export function hostHeaderOf({ headers }: Pick<RawRequest, 'headers'>): string | undefined {
  const authority = headers[':authority'];
  return headers.host ?? (typeof authority === 'string' ? authority : undefined);
}

function schemeOf(raw: RawRequest): 'http' | 'https' {
  if (raw instanceof Http2ServerRequest) {
    return raw.stream.session?.encrypted === true ? 'https' : 'http';
  }
  return raw.socket instanceof TLSSocket ? 'https' : 'http';
}

/** Undefined when it names no header. */
function namedByConnection(connection: string | undefined): Set<string> | undefined {
  if (connection === undefined) return undefined;
  const words = connection.toLowerCase();
  if (PLAIN_CONNECTION.has(words)) return undefined;
  return new Set(words.split(',').map((word) => word.trim()));
}
