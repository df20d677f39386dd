/**
 * Page sizes and page tokens. Our tokens are base64url of
 *   {"v":1,"k":[createdAt,id],"f":<hash of the filter>}
 * and mean "what comes after this row", so that rows made or deleted meanwhile neither repeat
 * nor skip others. The documented form, base64 of {"offset":n}, is understood too.
 */
import { createHash } from 'node:crypto';
import { invalidArgument, type DroverError } from '#kernel/errors.ts';

export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 1000;

export interface KeysetPosition {
  readonly kind: 'keyset';
  readonly createdAt: number;
  readonly id: string;
}

export interface OffsetPosition {
  readonly kind: 'offset';
  readonly offset: number;
}

export type PagePosition = KeysetPosition | OffsetPosition;

const MAX_TOKEN_CHARS = 512;
const MAX_ID_CHARS = 128;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** 0 and nothing mean the default; text is what a query string holds. */
export function parsePageSize(value: unknown, field = 'page_size'): number {
  const size = typeof value === 'string' && /^-?\d{1,9}$/.test(value) ? Number(value) : value;
  if (size === undefined || size === null || size === 0 || size === '') return DEFAULT_PAGE_SIZE;
  if (typeof size === 'number' && Number.isInteger(size) && size > 0 && size <= MAX_PAGE_SIZE) {
    return size;
  }
  throw invalidArgument(
    field,
    `must be 1 to ${MAX_PAGE_SIZE}, or 0 for the default of ${DEFAULT_PAGE_SIZE}`,
  );
}

/** `filter` is any text that is the same exactly when the listing's filter is. */
export function createPageToken(
  after: { readonly createdAt: number; readonly id: string },
  filter: string,
): string {
  const token = { v: 1, k: [after.createdAt, after.id], f: hashFilter(filter) };
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

/** Where the page begins; undefined is the first page. */
export function parsePageToken(
  token: unknown,
  filter: string,
  field = 'page_token',
): PagePosition | undefined {
  if (token === undefined || token === null || token === '') return undefined;
  if (typeof token !== 'string' || token.length > MAX_TOKEN_CHARS || !BASE64.test(token)) {
    throw malformed(field);
  }
  const decoded = parseJson(Buffer.from(token, 'base64').toString('utf8'));
  const position = toOffset(decoded) ?? toKeyset(decoded, filter, field);
  if (position === undefined) throw malformed(field);
  return position;
}

function toOffset(decoded: unknown): OffsetPosition | undefined {
  if (typeof decoded !== 'object' || decoded === null || !('offset' in decoded)) return undefined;
  const { offset } = decoded;
  if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0) return undefined;
  return { kind: 'offset', offset };
}

function toKeyset(decoded: unknown, filter: string, field: string): KeysetPosition | undefined {
  if (typeof decoded !== 'object' || decoded === null) return undefined;
  if (!('v' in decoded) || decoded.v !== 1 || !('k' in decoded) || !('f' in decoded)) {
    return undefined;
  }
  const [createdAt, id, ...rest] = Array.isArray(decoded.k) ? (decoded.k as unknown[]) : [];
  if (typeof createdAt !== 'number' || !Number.isSafeInteger(createdAt)) return undefined;
  if (typeof id !== 'string' || id === '' || id.length > MAX_ID_CHARS) return undefined;
  if (rest.length > 0) return undefined;
  if (decoded.f !== hashFilter(filter)) {
    throw invalidArgument(
      field,
      'was made for another filter; keep the filter while paging, or start without a token',
    );
  }
  return { kind: 'keyset', createdAt, id };
}

function malformed(field: string): DroverError {
  return invalidArgument(field, 'must be a next_page_token exactly as it was answered');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not a token of ours; the caller refuses it by name.
    return undefined;
  }
}

function hashFilter(filter: string): string {
  return createHash('sha256').update(filter).digest('base64url').slice(0, 11);
}
