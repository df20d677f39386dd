/** How telling others stands: webhooks and remote write, as one part of the health report. */
import type { ComponentHealth } from '#metrics/collection-health.ts';
import type { RemoteWrite } from '#metrics/remote-write/remote-write.ts';
import type { Webhooks } from '#webhooks/open-webhooks.ts';

export async function publishingHealth(
  webhooks: Pick<Webhooks, 'health'>,
  remoteWrite: Pick<RemoteWrite, 'health'> | undefined,
): Promise<ComponentHealth> {
  const { enabled, disabled, failing, pending, lastDeliveredAt } = await webhooks.health();
  const problems: string[] = [];
  if (failing.length > 0) {
    // Anybody may read this: how many, and not whose.
    problems.push(`The receivers of ${failing.length} webhooks fail; ${pending} events wait`);
  }
  if (disabled > 0) problems.push(`${disabled} webhooks were switched off`);
  const { writeError, receivers = [] } = remoteWrite?.health() ?? {};
  if (writeError !== undefined) problems.push('The queue of remote write cannot be written');
  const refusing = receivers.filter(({ problem }) => problem !== undefined).length;
  if (refusing > 0) problems.push(`Remote write to ${refusing} receivers fails`);
  const lastSuccesses = [lastDeliveredAt, ...receivers.map(({ lastSuccessAt }) => lastSuccessAt)];
  const known = lastSuccesses.filter((at) => at !== undefined);
  return {
    status: problems.length === 0 ? 'ok' : 'degraded',
    lastSuccessMs: known.length === 0 ? undefined : Math.max(...known),
    details: problems.length === 0 ? calmDetails(enabled, receivers.length) : problems.join('. '),
  };
}

function calmDetails(webhooks: number, receivers: number): string {
  if (webhooks + receivers === 0) return 'Nobody has asked to be told of events';
  return `Event publishing works for ${webhooks} webhooks and ${receivers} remote write receivers`;
}
