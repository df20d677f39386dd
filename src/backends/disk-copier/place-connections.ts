/** The connections of one copy to its place. They believe whom the place says, nobody else. */
import { Agent } from 'node:http';
import type { HttpPlace } from '#transfers/disk-feed.ts';
import { TrustedAgent } from '#kernel/trusted-agent.ts';

export interface ConnectionLimits {
  readonly most: number;
  /** How long one may say nothing in the middle of an answer. */
  readonly idleTimeoutMs: number;
}

export class PlaceConnections implements Disposable {
  readonly agent: Agent;
  readonly idleTimeoutMs: number;

  constructor({ url, trust }: HttpPlace, { most, idleTimeoutMs }: ConnectionLimits) {
    this.idleTimeoutMs = idleTimeoutMs;
    this.agent =
      new URL(url).protocol === 'https:'
        ? new TrustedAgent(trust, { maxSockets: most, isKept: true })
        : new Agent({ keepAlive: true, maxSockets: most });
  }

  [Symbol.dispose](): void {
    this.agent.destroy();
  }
}
