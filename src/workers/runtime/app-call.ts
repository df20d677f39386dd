/** What each call of an app's `fetch` comes with, and what becomes of its failures. */
import { inspect } from 'node:util';
import { DroverError } from '#kernel/errors.ts';
import type { RequestHead } from '#workers/exchange.ts';
import type { AppContext, AppModule } from './app-module.ts';
import type { WorkCount } from './work-count.ts';

export interface ServedApp {
  readonly name: string;
  readonly version: string;
  readonly module: AppModule;
}

export interface AnswererParts {
  readonly app: ServedApp;
  readonly work: WorkCount;
  /** Writes to the app's own log. */
  readonly report: (text: string) => void;
}

export function createContext(
  parts: AnswererParts,
  head: RequestHead,
  upgradeWebSocket: AppContext['upgradeWebSocket'],
): AppContext {
  const { app, work } = parts;
  return {
    app: { name: app.name, version: app.version },
    caller: head.caller,
    waitUntil: (promise) => {
      work.add();
      void Promise.resolve(promise)
        .catch((thrown: unknown) => reportFailure(parts, head, thrown))
        .finally(() => work.remove());
    },
    upgradeWebSocket,
  };
}

/** To who asked, an app that fails looks the same whatever it failed at. */
export function appFailure(): DroverError {
  return new DroverError('internal', 'the app failed to answer; its log says why', {
    reason: 'APP_ERROR',
  });
}

export function reportFailure(parts: AnswererParts, head: RequestHead, thrown: unknown): void {
  const { pathname } = new URL(head.url);
  parts.report(`${head.method} ${pathname}: ${inspect(thrown)}`);
}
