/** The feed of each kind of source that is elsewhere. */
import type { Clock } from '#kernel/clock.ts';
import type { FeedRequest, SourceFeed } from '#fleet/source-feed.ts';
import type { SourceSpec } from '#fleet/server.ts';
import { ExporterFeed } from './exporter-feed.ts';
import { PrometheusFeed, type PrometheusRequest } from './prometheus-feed.ts';
import { ProxmoxFeed, type ProxmoxRequest } from './proxmox-feed.ts';
import { QdrantFeed } from './qdrant-feed.ts';

export interface RemoteFeedRequest extends FeedRequest {
  readonly spec: Exclude<SourceSpec, { readonly kind: 'local' }>;
}

/** `others` are one thing to ask with the first. */
export function openRemoteFeed(
  { id, spec, secret }: RemoteFeedRequest,
  others: readonly FeedRequest[],
  clock: Clock,
): SourceFeed {
  switch (spec.kind) {
    case 'exporter':
      return new ExporterFeed({ id, spec, secret, clock });
    case 'prometheus': {
      const requests = [{ id, spec }, ...others.flatMap(toPrometheus)] as const;
      return new PrometheusFeed({ requests, secret, clock });
    }
    case 'proxmox': {
      const requests = [{ id, spec }, ...others.flatMap(toProxmox)] as const;
      return new ProxmoxFeed({ requests, secret, clock });
    }
    case 'qdrant':
      return new QdrantFeed({ id, spec, secret, clock });
  }
}

function toPrometheus({ id, spec }: FeedRequest): readonly PrometheusRequest[] {
  return spec.kind === 'prometheus' ? [{ id, spec }] : [];
}

function toProxmox({ id, spec }: FeedRequest): readonly ProxmoxRequest[] {
  return spec.kind === 'proxmox' ? [{ id, spec }] : [];
}
