/** Reads the server's JSON again and again, each time within a deadline. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { restCall } from './rest-call.ts';
import type { RestAnswer } from './rest-call.ts';
import type { ServerTarget } from './server-target.ts';

const DEADLINE_MS = 10 * SECOND_MS;

export class JsonClient implements Disposable {
  readonly #target: ServerTarget;
  readonly #clock: Clock;
  readonly #agent: HttpAgent;

  constructor(target: ServerTarget, clock: Clock) {
    this.#target = target;
    this.#clock = clock;
    const isSecure = target.url.startsWith('https:');
    this.#agent = new (isSecure ? HttpsAgent : HttpAgent)({ keepAlive: true });
  }

  get url(): string {
    return this.#target.url;
  }

  /** `path` begins with a slash and may hold a query. */
  async get(path: string, signal: AbortSignal): Promise<RestAnswer> {
    using deadline = openDeadline(this.#clock, DEADLINE_MS, `GET ${path}`, signal);
    return await restCall(this.#target, {
      ...{ path, method: 'GET', agent: this.#agent },
      signal: deadline.signal,
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
