/**
 * Who opens a WebSocket. Browsers set no Authorization header on one, so a token may come as a
 * subprotocol `bearer.TOKEN` or in the query as well.
 */
import type { IncomingMessage } from 'node:http';
import type { Authenticator } from '#access/authenticator.ts';
import { assertOperator, type Principal } from '#access/principal.ts';
import { socketAuthorizationOf } from './credentials.ts';
import { assertSameOrigin } from './cross-site.ts';

const TOKEN_PROTOCOL = 'bearer.';
const TOKEN_PARAMETERS = ['token', 'access_token', 'api_key'];

export interface SocketAccess {
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  /** Whom a caller without a token is taken for; undefined refuses such callers. */
  readonly anonymous: Principal | undefined;
}

export async function admitCaller(
  raw: IncomingMessage,
  { authenticator, anonymous }: SocketAccess,
  signal: AbortSignal,
): Promise<Principal> {
  const authorization = authorizationOf(raw);
  if (authorization === undefined && anonymous !== undefined) {
    assertSameOrigin(raw.headers);
    return anonymous;
  }
  const principal = await authenticator.authenticate(authorization, () => signal);
  assertOperator(principal);
  return principal;
}

/** One of those that the client speaks, and not the one with its token if there is another. */
export function chooseProtocol(protocols: ReadonlySet<string>): string | false {
  const [first] = protocols;
  const plain = [...protocols].find((protocol) => !protocol.startsWith(TOKEN_PROTOCOL));
  return plain ?? first ?? false;
}

function authorizationOf({ headers, url }: IncomingMessage): string | undefined {
  if (headers.authorization !== undefined) return headers.authorization;
  const token = protocolToken(headers['sec-websocket-protocol']) ?? queryToken(url ?? '');
  return token === undefined ? socketAuthorizationOf(headers) : `Bearer ${token}`;
}

function protocolToken(header: string | undefined): string | undefined {
  const protocols = header?.split(',').map((protocol) => protocol.trim()) ?? [];
  return protocols
    .find((protocol) => protocol.startsWith(TOKEN_PROTOCOL))
    ?.slice(TOKEN_PROTOCOL.length);
}

function queryToken(url: string): string | undefined {
  const queryAt = url.indexOf('?');
  if (queryAt === -1) return undefined;
  const parameters = new URLSearchParams(url.slice(queryAt + 1));
  const given = TOKEN_PARAMETERS.map((name) => parameters.get(name));
  return given.find((value) => value !== null && value !== '') ?? undefined;
}
