/** What this surface stands on, made once by the composition root. */
import type { Authenticator } from '#access/authenticator.ts';
import type { Clock } from '#kernel/clock.ts';
import type { AppLogLine } from '#workers/apps/app-log.ts';
import type { App, AppVersion } from '#workers/apps/app.ts';
import type { AnswerHandler, Exchange, RequestHead } from '#workers/exchange.ts';
import type { AppKey } from '#workers/worker-app.ts';
import type { AppView } from '#workers/worker-view.ts';
import type { AppHosts } from './serving/app-hosts.ts';

export interface AppsParts {
  readonly clock: Clock;
  readonly version: string;
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly apps: AppCatalog;
  readonly pool: AppPool;
  readonly hosts: AppHosts;
  /** The longest archive that is taken. */
  readonly maxUploadBytes: number;
}

/** The apps that there are. What is not there is a `not_found`. */
export interface AppCatalog {
  deploy(
    archive: AsyncIterable<Uint8Array>,
    options: { readonly signal: AbortSignal },
  ): Promise<AppVersion>;
  rollback(name: string, version?: string): Promise<App>;
  remove(name: string, version?: string): Promise<void>;
  list(): readonly App[];
  get(name: string): App;
  /** `app`, `app@1.2.3`, `app@^1`. Called for each request. */
  resolve(spec: string): AppVersion;
  logs(name: string): AppLogReader;
}

export interface AppLogReader {
  /** The newest, oldest first. */
  read(options: { readonly lines: number }): Promise<readonly AppLogLine[]>;
  /** The newest, and then what comes, until the signal aborts or the app is removed. */
  follow(signal: AbortSignal, options: { readonly lines: number }): AsyncIterable<AppLogLine>;
}

export interface AppPool {
  /** Never throws: a refusal is told to the handler, perhaps before this returns. */
  fetch(
    key: AppKey,
    head: RequestHead,
    body: Uint8Array | undefined,
    handler: AnswerHandler,
  ): Exchange;
  apps(): readonly AppView[];
}
