/** The headers of an app's answer as its caller gets them: without what concerns a connection. */
import type { FlatHeaders } from '#workers/exchange.ts';

export interface AnswerHeaders {
  readonly flat: string[];
  /** As the app declared it. */
  readonly contentLength: number | undefined;
}

const NOT_PASSED_ON = new Set([
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  // Ours to say: the first is put in again where it is right, the second is the platform's.
  ...['content-length', 'x-request-id'],
]);

export function answerHeaders(headers: FlatHeaders): AnswerHeaders {
  const flat: string[] = [];
  let contentLength: number | undefined;
  let named: Set<string> | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] ?? '').toLowerCase();
    const value = headers[at + 1] ?? '';
    if (name === 'content-length') contentLength = parseLength(value);
    else if (name === 'connection') named = new Set(splitList(value));
    if (NOT_PASSED_ON.has(name) || name.startsWith('proxy-') || name.startsWith(':')) continue;
    flat.push(name, value);
  }
  return { flat: named === undefined ? flat : without(flat, named), contentLength };
}

function parseLength(value: string): number | undefined {
  return /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function splitList(value: string): string[] {
  return value
    .toLowerCase()
    .split(',')
    .map((word) => word.trim());
}

function without(flat: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let at = 0; at < flat.length; at += 2) {
    const name = flat[at] ?? '';
    if (!names.has(name)) kept.push(name, flat[at + 1] ?? '');
  }
  return kept;
}
