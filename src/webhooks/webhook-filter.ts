/** Narrows a subscription to some instances, severities or rules. */
import type { DomainEvent, SnapshotEvent, ThresholdEvent } from '#events/event.ts';
import type { CustomerId } from '#kernel/ids.ts';

export const SEVERITIES = [
  'info',
  'warning',
  'critical',
] as const satisfies readonly ThresholdEvent['severity'][];

/** Each list that is there must hold the event's value. Severity and rule judge only violations. */
export interface WebhookFilter {
  readonly instanceIds?: readonly string[] | undefined;
  readonly severities?: readonly ThresholdEvent['severity'][] | undefined;
  /** Ids or names. */
  readonly rules?: readonly string[] | undefined;
}

export type SampledInstance = Pick<SnapshotEvent, 'instanceId' | 'machineId' | 'customerId'>;

interface Subscriber {
  readonly customerId: CustomerId | undefined;
  readonly filter: WebhookFilter;
}

/**
 * A customer is sent samples of its machines, an operator those of the host; of machines only when
 * it names them, for there can be a thousand.
 */
export function isWantedSample(
  { customerId: owner, filter: { instanceIds } }: Subscriber,
  { instanceId, machineId, customerId }: SampledInstance,
): boolean {
  if (owner !== undefined && owner !== customerId) return false;
  if (instanceIds !== undefined) return instanceIds.includes(instanceId);
  return owner !== undefined || machineId === undefined;
}

export function isWantedEvent(subscriber: Subscriber, event: DomainEvent): boolean {
  if (event.kind === 'metrics.sampled') return isWantedSample(subscriber, event);
  const { instanceIds, severities, rules } = subscriber.filter;
  const instanceId = 'instanceId' in event ? event.instanceId : event.machineId;
  if (instanceIds !== undefined && !instanceIds.includes(instanceId ?? '')) return false;
  if (event.kind !== 'threshold.violated' && event.kind !== 'threshold.resolved') return true;
  if (severities !== undefined && !severities.includes(event.severity)) return false;
  return rules === undefined || rules.includes(event.ruleId) || rules.includes(event.ruleName);
}
