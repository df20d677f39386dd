/** Which sources are one thing to ask, and the feeds of them. */
import { createHash } from 'node:crypto';
import type { Clock } from '#kernel/clock.ts';
import type { ServerId } from '#kernel/ids.ts';
import type { FeedOpener, FeedRequest, SourceFeed } from '#fleet/source-feed.ts';
import { RemoteFeed } from './remote-feed.ts';

export interface SourceFeedOpenerParts {
  readonly clock: Clock;
  /** This process as a source, of the servers that it is. */
  readonly local: (servers: readonly ServerId[]) => SourceFeed;
}

export class SourceFeedOpener implements FeedOpener {
  readonly #parts: SourceFeedOpenerParts;

  constructor(parts: SourceFeedOpenerParts) {
    this.#parts = parts;
  }

  keyOf({ id, spec, secret }: FeedRequest): string {
    switch (spec.kind) {
      case 'local':
        return 'local';
      case 'prometheus':
      case 'proxmox':
        // One is asked for all of its servers, but never for one with what another may see.
        return `${spec.kind} ${spec.url} ${JSON.stringify(spec.trust)} ${digestOf(secret)}`;
      case 'exporter':
      case 'qdrant':
        return `${spec.kind} ${spec.url} ${id}`;
    }
  }

  open(requests: readonly FeedRequest[]): SourceFeed {
    const { clock, local } = this.#parts;
    const [first] = requests;
    if (first === undefined) throw new Error('there is nothing to open a feed of');
    const { spec } = first;
    if (spec.kind === 'local') return local(requests.map(({ id }) => id));
    return new RemoteFeed({
      kind: spec.kind,
      label: `${spec.kind} ${spec.url}`,
      load: async () => {
        const { openRemoteFeed } = await import('./open-remote-feed.ts');
        return openRemoteFeed({ ...first, spec }, requests.slice(1), clock);
      },
    });
  }
}

function digestOf(secret: string | undefined): string {
  return createHash('sha256')
    .update(secret ?? '')
    .digest('base64url');
}
