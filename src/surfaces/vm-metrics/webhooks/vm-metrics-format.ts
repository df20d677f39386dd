/** Events as the subscribers of this API know them: `metrics` and `threshold_violation`. */
import type { EventKind, RecordedEvent, ThresholdEvent } from '#events/event.ts';
import {
  snapshotToJson,
  type SnapshotStyle,
} from '#surfaces/vm-metrics/render/resource-snapshot.ts';
import { hexSignature } from '#webhooks/signatures.ts';
import type { RenderedEvent, WebhookFormat } from '#webhooks/webhook-format.ts';

export const VM_METRICS_FORMAT = 'vm-metrics';

const KINDS: Readonly<Record<string, readonly EventKind[]>> = {
  metrics: ['metrics.sampled'],
  threshold_violation: ['threshold.violated', 'threshold.resolved'],
};
export const VM_METRICS_EVENT_TYPES: readonly string[] = Object.keys(KINDS);

/** The data of `metrics` is the object that `GET /get` answers, in the same style. */
export function createVmMetricsFormat(style: SnapshotStyle): WebhookFormat {
  const dataOf = ({ event, at }: RecordedEvent): [type: string, data: object] | undefined => {
    switch (event.kind) {
      case 'metrics.sampled':
        return ['metrics', snapshotToJson(event.snapshot, style)];
      case 'threshold.violated':
      case 'threshold.resolved':
        return ['threshold_violation', violationToJson(event, at)];
      default:
        return undefined;
    }
  };
  return {
    name: VM_METRICS_FORMAT,
    eventTypes: VM_METRICS_EVENT_TYPES,
    kindsOf: (eventType) => KINDS[eventType] ?? [],
    render(recorded) {
      const [eventType, data] = dataOf(recorded) ?? [];
      if (eventType === undefined || data === undefined) return undefined;
      return toRendered(eventType, recorded.at, { data });
    },
    renderTest: (eventType, atMs) =>
      toRendered(eventType, atMs, {
        test: true,
        data: { message: 'a test of this webhook; nothing has happened' },
      }),
    headers: ({ eventType, body }, secret) => ({
      'Content-Type': 'application/json',
      'User-Agent': 'Form-VM-Metrics-Webhook',
      'X-Webhook-Event': eventType,
      ...(secret !== undefined && { 'X-Webhook-Signature': hexSignature(secret, body) }),
    }),
  };
}

function toRendered(eventType: string, atMs: number, rest: object): RenderedEvent {
  const envelope = { event_type: eventType, timestamp: toUnixSeconds(atMs), ...rest };
  return { eventType, body: Buffer.from(JSON.stringify(envelope)) };
}

function violationToJson(event: ThresholdEvent, at: number): object {
  const { thresholdValue, currentValue } = event;
  const isFiring = event.kind === 'threshold.violated';
  return {
    state: isFiring ? 'firing' : 'resolved',
    rule: { id: event.ruleId, name: event.ruleName, severity: event.severity },
    instance_id: event.instanceId,
    account_id: event.accountId ?? null,
    ...(event.machineId !== undefined && { machine_id: event.machineId }),
    subject: event.subject,
    comparison: event.comparison,
    current_value: currentValue ?? null,
    threshold_value: thresholdValue,
    percentage: percentageOver(currentValue, thresholdValue),
    since: toUnixSeconds(event.sinceMs),
    ...(!isFiring && { resolved_at: toUnixSeconds(at) }),
    labels: event.labels,
    message: event.message,
  };
}

/** How far the value is beyond the threshold, in percent of the threshold; negative within it. */
function percentageOver(current: number | undefined, threshold: number): number | null {
  if (current === undefined || threshold === 0) return null;
  const percent = ((current - threshold) / Math.abs(threshold)) * 100;
  return Number.isFinite(percent) ? Math.round(percent * 100) / 100 : null;
}

function toUnixSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}
