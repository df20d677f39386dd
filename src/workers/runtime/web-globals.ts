/** Puts what apps find as `Request`, `Response` and `fetch` in the place of Node's own. */
import { createFetch } from './outgoing-fetch.ts';
import type { BeginRequest } from './outgoing-call.ts';
import { AppRequest, nativeRequest } from './web-request.ts';
import { AppResponse } from './web-response.ts';

/** Without `begin` the network is the app's own, and `fetch` only learns to read our requests. */
export function installWebGlobals(begin?: BeginRequest): void {
  const native = globalThis.fetch;
  setGlobal('Request', AppRequest);
  setGlobal('Response', AppResponse);
  const direct: typeof fetch = (input, init) => native(nativeRequest(input), init);
  const fetchForApps = begin === undefined ? direct : createFetch(begin, native);
  Object.defineProperty(fetchForApps, 'name', { value: 'fetch' });
  setGlobal('fetch', fetchForApps);
}

function setGlobal(name: string, value: unknown): void {
  const described = { value, writable: true, configurable: true, enumerable: false };
  Object.defineProperty(globalThis, name, described);
}
