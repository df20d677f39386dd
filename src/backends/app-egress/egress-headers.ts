/** Which headers of an app's request go out, and which of the answer come back to it. */
import type { FlatHeaders, RequestHead } from '#workers/exchange.ts';

/** They are about one connection, and each side of Drover has connections of its own. */
const HOP_BY_HOP = [
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate'],
  ...['proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
];
/** Drover says these itself: where the request goes, how long it is, and that it is sent whole. */
const OURS = ['host', 'content-length', 'expect'];
/** Of all others a server expects to hear that there is no body. */
const MOSTLY_BODILESS = ['GET', 'HEAD', 'DELETE', 'OPTIONS'];

/** `undefined` for a body that comes in pieces of which nobody said how much they are. */
export function declaredLength(head: RequestHead, body: Uint8Array | undefined) {
  if (body !== undefined) return body.length;
  if (!head.hasBody) return 0;
  const declared = valueOf(head.headers, 'content-length');
  return declared !== undefined && /^\d{1,15}$/.test(declared) ? Number(declared) : undefined;
}

/** `authority` is the host, and the port unless it goes without saying. */
export function outgoingHeaders(
  head: RequestHead,
  authority: string,
  length: number | undefined,
): string[] {
  const kept = without(head.headers, [...HOP_BY_HOP, ...OURS]);
  return ['Host', authority, ...kept, ...lengthHeaders(head.method, length)];
}

export function incomingHeaders(raw: FlatHeaders): string[] {
  return without(raw, HOP_BY_HOP);
}

function lengthHeaders(method: string, length: number | undefined): string[] {
  if (length === undefined) return ['Transfer-Encoding', 'chunked'];
  return length > 0 || !MOSTLY_BODILESS.includes(method) ? ['Content-Length', `${length}`] : [];
}

/** A header named by `Connection` is hop by hop as well. */
function without(headers: FlatHeaders, names: readonly string[]): string[] {
  const named = (valueOf(headers, 'connection') ?? '').toLowerCase().split(/[\s,]+/);
  const dropped = new Set([...names, ...named]);
  const kept: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? '';
    if (!dropped.has(name.toLowerCase())) kept.push(name, headers[at + 1] ?? '');
  }
  return kept;
}

/** Of a header that is there more than once, all its values. */
function valueOf(headers: FlatHeaders, wanted: string): string | undefined {
  const values: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if ((headers[at] ?? '').toLowerCase() === wanted) values.push(headers[at + 1] ?? '');
  }
  return values.length === 0 ? undefined : values.join(', ');
}
