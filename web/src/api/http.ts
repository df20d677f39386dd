/** Requests to our own APIs. What fails throws an ApiError, and nothing else. */
import { TEXT } from '#web/text/en.ts';
import { ApiError, answerToError } from './api-error.ts';
import { connectivity } from './connectivity.ts';

const DEADLINE_MS = 15_000;

/** Left out of the query when undefined; a list is repeated. */
export type Query = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

export interface RequestOptions {
  readonly query?: Query;
  readonly signal?: AbortSignal | undefined;
  /** Default 15 s. */
  readonly deadlineMs?: number;
}

export type ChangingMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** The JSON of an answer. Its type is what the API's document says. */
export async function getJson<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return await ask(path, {}, options, readJson<T>);
}

/** Undefined when the answer has no body. */
export async function sendJson<T>(
  method: ChangingMethod,
  path: string,
  body?: unknown,
  options: RequestOptions = {},
): Promise<T> {
  const init: RequestInit =
    body === undefined
      ? { method }
      : { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return await ask(path, init, options, readJson<T>);
}

/** For what is no JSON: streams, uploads. The answer is a success, and begins by the deadline. */
export async function request(
  path: string,
  init: RequestInit,
  options: RequestOptions,
): Promise<Response> {
  return await ask(path, init, options, (response) => Promise.resolve(response));
}

async function ask<T>(
  path: string,
  init: RequestInit,
  { query, signal, deadlineMs = DEADLINE_MS }: RequestOptions,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  // `AbortSignal.timeout` would hold on to the request until then, however soon it was answered.
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), deadlineMs);
  const signals = signal === undefined ? [deadline.signal] : [deadline.signal, signal];
  try {
    const url = path + queryToText(query);
    const all = { ...init, signal: AbortSignal.any(signals) };
    const response = await begin(url, all, { signal, deadline });
    if (response.ok) return await read(response);
    throw answerToError(response.status, response.headers, await bodyOf(response));
  } finally {
    clearTimeout(timer);
  }
}

interface Limits {
  readonly signal: AbortSignal | undefined;
  readonly deadline: AbortController;
}

async function begin(url: string, init: RequestInit, limits: Limits): Promise<Response> {
  try {
    const response = await fetch(url, { credentials: 'same-origin', ...init });
    connectivity.answered();
    return response;
  } catch (thrown) {
    if (limits.signal?.aborted === true) throw thrown;
    const kind = limits.deadline.signal.aborted ? 'timeout' : 'offline';
    connectivity.failed();
    throw new ApiError({ kind, status: 0, message: TEXT.errors[kind] }, thrown);
  }
}

export function queryToText(query: Query = {}): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const each of [value].flat()) pairs.append(name, String(each));
  }
  const text = pairs.toString();
  return text === '' ? '' : `?${text}`;
}

async function readJson<T>(response: Response): Promise<T> {
  return (await bodyOf(response)) as T;
}

async function bodyOf(response: Response): Promise<unknown> {
  try {
    const text = await response.text();
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    // No JSON, or cut off: the status says what there is to say.
    return undefined;
  }
}
