/**
 * What apps listen to, as subscriptions of the webhook engine: one for each path of each app that
 * has a current version. They are made to fit at the start and after each deployment.
 */
import type { Clock, Timer } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import type { WebhookScope, WebhookService } from '#webhooks/webhook-service.ts';
import type { App } from '#workers/apps/app.ts';
import { appEventUrl } from './app-webhook-sender.ts';

const ATTEMPT_MS = 30_000;

/** A database that does not answer is asked again. */
const AGAIN_MS = 30_000;

export interface AppSubscriptionsParts {
  readonly service: WebhookService;
  /** The name of the format, which is this host's alone. */
  readonly format: string;
  readonly apps: () => readonly App[];
  readonly clock: Clock;
  readonly log: Log;
}

export class AppSubscriptions implements AsyncDisposable {
  readonly #parts: AppSubscriptionsParts;
  readonly #queue = new SerialQueue();
  #again: Timer | undefined;
  #isClosed = false;

  constructor(parts: AppSubscriptionsParts) {
    this.#parts = parts;
  }

  /** Resolves when what apps listen to is in force, or else will be tried again by itself. */
  async sync(): Promise<void> {
    await this.#queue.run(async () => {
      this.#again?.cancel();
      if (this.#isClosed) return;
      try {
        await this.#fit();
      } catch (thrown) {
        const { log, clock } = this.#parts;
        log.error({ error: toDroverError(thrown) }, 'what apps listen to was not recorded');
        this.#again = clock.after(AGAIN_MS, () => void this.sync());
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#again?.cancel();
    await this.#queue.idle();
  }

  async #fit(): Promise<void> {
    const { service, format, apps } = this.#parts;
    const scope: WebhookScope = { format, customerId: undefined };
    const wanted = wantedSubscriptions(apps());
    for (const { id, url, eventTypes, isEnabled } of await service.list(scope)) {
      const types = wanted.get(url);
      wanted.delete(url);
      if (types === undefined) await service.remove(scope, id);
      else if (types.join() !== eventTypes.join() || !isEnabled) {
        await service.change(scope, id, { eventTypes: types, isEnabled: true });
      }
    }
    for (const [url, eventTypes] of wanted) {
      await service.register(scope, {
        ...{ url, eventTypes, filter: {}, secret: undefined, headers: {} },
        ...{ timeoutMs: ATTEMPT_MS, maxAttempts: undefined, isEnabled: true },
      });
    }
  }
}

function wantedSubscriptions(apps: readonly App[]): Map<string, string[]> {
  const wanted = new Map<string, string[]>();
  for (const { name, current } of apps) {
    for (const { on, path } of current.manifest.events) {
      const url = appEventUrl(name, path);
      wanted.set(url, [...(wanted.get(url) ?? []), on].toSorted());
    }
  }
  return wanted;
}
