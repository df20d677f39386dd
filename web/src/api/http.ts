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
  return await readJson<T>(await request(path, {}, options));
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
  return await readJson<T>(await request(path, init, options));
}

/** For what is no JSON: streams, uploads. The answer is a success. */
export async function request(
  path: string,
  init: RequestInit,
  { query, signal, deadlineMs = DEADLINE_MS }: RequestOptions,
): Promise<Response> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const signals = signal === undefined ? [deadline] : [deadline, signal];
  let response: Response;
  try {
    const url = path + queryToText(query);
    response = await fetch(url, { credentials: 'same-origin', ...init, signal: anyOf(signals) });
  } catch (thrown) {
    if (signal?.aborted === true) throw thrown;
    const kind = deadline.aborted ? 'timeout' : 'offline';
    connectivity.failed();
    throw new ApiError({ kind, status: 0, message: TEXT.errors[kind] }, thrown);
  }
  connectivity.answered();
  if (response.ok) return response;
  throw answerToError(response.status, response.headers, await bodyOf(response));
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

function anyOf(signals: AbortSignal[]): AbortSignal {
  return AbortSignal.any(signals);
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
