/** What clients say, and what they ask for when they come. */
import type { IncomingMessage } from 'node:http';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { readCursor } from '#surfaces/fleet/cursor.ts';
import { parseWish, type Wish } from './topics.ts';

export type Said =
  | { readonly kind: 'ping' }
  | { readonly kind: 'request_update' }
  | { readonly kind: 'subscribe'; readonly wish: Wish };

/** Of the query: `?servers=a,b&since=…`. */
export interface Begin {
  readonly wish: Wish;
  /** The revision that the client has everything of; -1 for one that has nothing. */
  readonly since: number;
}

export function parseBegin({ url = '' }: IncomingMessage): Begin {
  const at = url.indexOf('?');
  const query = new URLSearchParams(at === -1 ? '' : url.slice(at + 1));
  const names = query.getAll('servers').flatMap((list) => list.split(','));
  const wanted = names.map((name) => name.trim()).filter((name) => name !== '');
  return {
    wish: wanted.length === 0 ? undefined : parseWish('servers', wanted),
    since: readCursor(query.get('since') ?? undefined),
  };
}

/** The first of the errors is what the original program answers. */
export function parseSaid(data: unknown): Said {
  const message = parseJson(data);
  const type = 'type' in message ? message.type : undefined;
  switch (type) {
    case 'ping':
    case 'request_update':
      return { kind: type };
    case 'subscribe':
      return { kind: type, wish: parseServers('servers' in message ? message.servers : undefined) };
    default:
      throw invalidArgument('type', 'must be ping, request_update or subscribe');
  }
}

function parseServers(servers: unknown): Wish {
  if (servers === undefined || servers === null) return undefined;
  if (Array.isArray(servers) && servers.every((each) => typeof each === 'string')) {
    return parseWish('servers', servers);
  }
  throw invalidArgument('servers', 'must be a list of texts, or left out for all there are');
}

function parseJson(data: unknown): object {
  try {
    const message: unknown = JSON.parse(Buffer.isBuffer(data) ? data.toString() : '');
    if (typeof message === 'object' && message !== null) return message;
  } catch {
    // The same as what is JSON and says nothing.
  }
  throw new DroverError('invalid_argument', 'Invalid JSON format', { reason: 'MALFORMED_JSON' });
}
