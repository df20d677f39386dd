/** What an app is made of, as far as Drover calls it. docs/apps-runtime.md tells authors. */
import type { WebSocket } from 'ws';
import type { Caller } from '#workers/exchange.ts';

export interface AppContext {
  readonly app: { readonly name: string; readonly version: string };
  /** Who asks, as the platform knows them; undefined on what is open to all. */
  readonly caller: Caller | undefined;
  /** Work that goes on after the answer; the worker counts as busy until it is done. */
  waitUntil(work: Promise<unknown>): void;
  /** Accepts an upgrade to WebSocket. The response given is what `fetch` has to return. */
  upgradeWebSocket(request: Request): UpgradedWebSocket;
}

export interface UpgradedWebSocket {
  readonly socket: WebSocket;
  readonly response: Response;
}

export type AppFetch = (request: Request, context: AppContext) => unknown;

export interface AppModule {
  readonly fetch: AppFetch;
  readonly onIdle: (() => unknown) | undefined;
  readonly onTerminate: (() => unknown) | undefined;
}
