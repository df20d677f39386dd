/** Makes feeds of all kinds of sources. */
import { createHash } from 'node:crypto';
import type { Clock } from '#kernel/clock.ts';
import type { ServerId } from '#kernel/ids.ts';
import type { FeedOpener, FeedRequest, SourceFeed } from '#fleet/source-feed.ts';
import { ExporterFeed } from './exporter-feed.ts';
import { PrometheusFeed, type PrometheusRequest } from './prometheus-feed.ts';
import { ProxmoxFeed, type ProxmoxRequest } from './proxmox-feed.ts';
import { QdrantFeed } from './qdrant-feed.ts';

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
    const { id, spec, secret } = first;
    switch (spec.kind) {
      case 'local':
        return local(requests.map((request) => request.id));
      case 'exporter':
        return new ExporterFeed({ id, spec, secret, clock });
      case 'prometheus': {
        const others = requests.slice(1).flatMap(toPrometheus);
        return new PrometheusFeed({ requests: [{ id, spec }, ...others], secret });
      }
      case 'proxmox': {
        const others = requests.slice(1).flatMap(toProxmox);
        return new ProxmoxFeed({ requests: [{ id, spec }, ...others], secret, clock });
      }
      case 'qdrant':
        return new QdrantFeed({ id, spec, secret, clock });
    }
  }
}

function toPrometheus({ id, spec }: FeedRequest): readonly PrometheusRequest[] {
  return spec.kind === 'prometheus' ? [{ id, spec }] : [];
}

function toProxmox({ id, spec }: FeedRequest): readonly ProxmoxRequest[] {
  return spec.kind === 'proxmox' ? [{ id, spec }] : [];
}

function digestOf(secret: string | undefined): string {
  return createHash('sha256')
    .update(secret ?? '')
    .digest('base64url');
}
