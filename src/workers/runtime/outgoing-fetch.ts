/**
 * `fetch` for apps without a network: each request goes over the link, and whoever holds the other
 * end decides whether it may and carries it out. Redirects are followed here, by the rules of the
 * fetch standard, so that each step of one is asked for like a request of its own.
 */
import type { FlatHeaders } from '#workers/exchange.ts';
import { failedFetch, OutgoingCall, type BeginRequest } from './outgoing-call.ts';
import { flatHeaders } from './response-writer.ts';
import { AppRequest, nativeRequest } from './web-request.ts';

type Fetch = typeof fetch;
type FetchInit = Parameters<Fetch>[1];

interface Step {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array | Request['body'];
}

const MOST_REDIRECTS = 20;
const REDIRECTS = [301, 302, 303, 307, 308];
const ABOUT_CREDENTIALS = ['authorization', 'cookie', 'host', 'proxy-authorization'];
const ABOUT_BODIES = [
  ...['content-encoding', 'content-language', 'content-length', 'content-location', 'content-type'],
];
const DEFAULT_HEADERS: FlatHeaders = [
  ...['accept', '*/*', 'user-agent', 'node', 'accept-encoding', 'gzip, br'],
];

/** `native` is left with what needs no network: `data:` and `blob:`. */
export function createFetch(begin: BeginRequest, native: Fetch): Fetch {
  return async (input, init) => {
    const request = new AppRequest(input, init);
    request.signal.throwIfAborted();
    const url = new URL(request.url);
    if (!isHttp(url)) return native(nativeRequest(request));
    if (request.integrity !== '') throw failedFetch(new Error('integrity is not supported here'));
    const { method } = request;
    const headers = headersOf(request);
    const body = await bodyOf(request, init);
    return follow(begin, request, { url, method, headers, body });
  };
}

async function follow(begin: BeginRequest, request: Request, first: Step): Promise<Response> {
  const { redirect, signal } = request;
  let step = first;
  for (let hops = 0; ; hops += 1) {
    const { url, method, headers, body } = step;
    const head = { method, url: withoutFragment(url), headers: flatHeaders(headers) };
    const call = new OutgoingCall({ url, isRedirected: hops > 0, method, signal });
    const response = await call.send(begin, head, body);
    const location = response.headers.get('location');
    const isRedirect = REDIRECTS.includes(response.status) && location !== null;
    if (!isRedirect || redirect === 'manual') return response;
    call.abandon();
    if (redirect === 'error') throw failedFetch(new Error('unexpected redirect'));
    if (hops === MOST_REDIRECTS) throw failedFetch(new Error('redirect count exceeded'));
    step = nextStep(step, response.status, location);
  }
}

function nextStep(step: Step, status: number, location: string): Step {
  const url = URL.parse(location, step.url);
  if (url === null || !isHttp(url))
    throw failedFetch(new Error('the redirect leads to no HTTP URL'));
  if (url.username !== '' || url.password !== '') {
    throw failedFetch(new Error('the redirect leads to a URL with credentials'));
  }
  if (url.hash === '') url.hash = step.url.hash;
  const isReadable = step.method === 'GET' || step.method === 'HEAD';
  const becomesGet =
    (status === 303 && !isReadable) ||
    ((status === 301 || status === 302) && step.method === 'POST');
  const { body } = step;
  if (!becomesGet && body !== null && !(body instanceof Uint8Array)) {
    throw failedFetch(new Error('a redirect asks for the body again, and it was a stream'));
  }
  const headers = new Headers(step.headers);
  const dropped = [
    ...(becomesGet ? ABOUT_BODIES : []),
    ...(url.origin === step.url.origin ? [] : ABOUT_CREDENTIALS),
  ];
  for (const name of dropped) headers.delete(name);
  return becomesGet ? { url, method: 'GET', headers, body: null } : { ...step, url, headers };
}

function headersOf(request: Request): Headers {
  const headers = new Headers(request.headers);
  for (let at = 0; at + 1 < DEFAULT_HEADERS.length; at += 2) {
    const name = DEFAULT_HEADERS[at] ?? '';
    if (!headers.has(name)) headers.set(name, DEFAULT_HEADERS[at + 1] ?? '');
  }
  return headers;
}

/** What is there as a whole is taken as a whole: then a redirect can ask for it once more. */
async function bodyOf(request: Request, init: FetchInit): Promise<Step['body']> {
  if (request.body === null) return null;
  const given = init?.body;
  const isWhole =
    typeof given === 'string' ||
    given instanceof ArrayBuffer ||
    ArrayBuffer.isView(given) ||
    given instanceof Blob ||
    given instanceof FormData ||
    given instanceof URLSearchParams;
  return isWhole ? request.bytes() : request.body;
}

function isHttp(url: URL): boolean {
  return url.protocol === 'http:' || url.protocol === 'https:';
}

function withoutFragment(url: URL): string {
  const plain = new URL(url);
  plain.hash = '';
  return plain.href;
}
