/** Servers as this API answers them, never with a secret. An answer can be sent back as it is. */
import type { ServerView, SourceView } from '#fleet/server-service.ts';
import type { SourceTest } from '#fleet/source-test.ts';
import { toIsoTime } from '#kernel/clock.ts';

export function serverToJson(server: ServerView): object {
  const { id, name, roles, origin, sources, createdAt, updatedAt } = server;
  return {
    ...{ id, name, roles, origin },
    sources: sources.map(sourceToJson),
    created_at: createdAt === undefined ? null : toIsoTime(createdAt),
    updated_at: updatedAt === undefined ? null : toIsoTime(updatedAt),
  };
}

/** `tells` are the parts of a server that it knows, `trouble` is what is wrong with its answer. */
export function testToJson(test: SourceTest): object {
  const { kind, label, error, trouble, responseMs, tells } = test;
  return {
    ...{ kind, label: label ?? null, works: error === undefined, error: error ?? null },
    ...{ trouble: trouble ?? null, response_ms: responseMs ?? null },
    tells: (tells ?? []).map(partToJson),
  };
}

function partToJson(part: string): string {
  return part === 'uptimeSeconds' ? 'uptime' : part;
}

function sourceToJson(source: SourceView): object {
  if (source.kind === 'local') return { kind: source.kind };
  const { kind, url, hasSecret, trust } = source;
  return {
    ...{ kind, url },
    ...(source.kind === 'prometheus' && { instance: source.instance }),
    ...(source.kind === 'proxmox' && { node: source.node ?? null }),
    ...{ has_secret: hasSecret, insecure: trust.isInsecure },
    ...{ thumbprint: trust.thumbprint ?? null, ca: trust.ca ?? null },
  };
}
