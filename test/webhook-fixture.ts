/** What tests of webhooks need: events to tell of, a sender that notes what it sends, secrets. */
import type { EventSignal } from '#events/event-signal.ts';
import type { DomainEvent, SnapshotEvent, ThresholdEvent } from '#events/event.ts';
import type { ResourceSnapshot } from '#events/resource-snapshot.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import { SECRET_KEY_BYTES, SecretBox } from '#kernel/secret-box.ts';
import type { Database } from '#stores/database.ts';
import { appendEvents } from '#stores/event-writer.ts';
import { createVmMetricsFormat } from '#surfaces/vm-metrics/webhooks/vm-metrics-format.ts';
import type { OutgoingRequest, SendOutcome, WebhookSender } from '#webhooks/webhook-sender.ts';

export const testSecretBox = new SecretBox(Buffer.alloc(SECRET_KEY_BYTES, 1));

export const testFormat = createVmMetricsFormat({ usagePctX100: false });

function snapshotOf(instanceId: string, atMs = 1_700_000_000_000): ResourceSnapshot {
  return {
    ...{ atMs, instanceId, accountId: undefined, cpuUsageBps: 2500, processCount: 42 },
    ...{ memory: undefined, disks: [], interfaces: [], gpus: [], load: undefined },
  };
}

interface Measured {
  readonly instanceId?: string;
  readonly customerId?: CustomerId;
}

export function sampleEvent({ instanceId = 'host-1', customerId }: Measured = {}): SnapshotEvent {
  const machineId = customerId === undefined ? undefined : (instanceId as MachineId);
  const snapshot = snapshotOf(instanceId);
  return {
    kind: 'metrics.sampled',
    ...{ machineId, customerId, instanceId, accountId: undefined, snapshot },
  };
}

export function thresholdEvent(choices: Partial<ThresholdEvent> = {}): ThresholdEvent {
  return {
    kind: 'threshold.violated',
    ...{ machineId: undefined, customerId: undefined, instanceId: 'host-1', accountId: 'acme' },
    ...{ ruleId: 'rule_1', ruleName: 'cpu high', severity: 'warning', subject: 'cpu_usage' },
    ...{ comparison: '>', thresholdValue: 80, currentValue: 92, sinceMs: 1_699_999_940_000 },
    labels: { mode: 'user' },
    message: 'cpu_usage is 92, over 80 for 60 s',
    ...choices,
  };
}

/** Writes events as a store would, and answers their ids. */
export async function emit(
  { database, eventSignal }: { readonly database: Database; readonly eventSignal: EventSignal },
  at: number,
  events: readonly DomainEvent[],
): Promise<void> {
  await database.write((trx) => appendEvents(trx, database.dialect, { at, events }));
  eventSignal.notify();
}

export interface SentRequest extends OutgoingRequest {
  readonly text: string;
}

type Behaviour = (request: SentRequest, signal: AbortSignal) => SendOutcome | Promise<SendOutcome>;

export function answered(status: number, retryAfter?: string): SendOutcome {
  return { kind: 'answered', status, retryAfter, answerStart: `said ${status}`, latencyMs: 3 };
}

/** Answers as it is told to, and lets a test wait for the requests. */
export class FakeSender implements WebhookSender {
  readonly sent: SentRequest[] = [];
  behave: Behaviour = () => answered(200);
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  async send(request: OutgoingRequest, signal: AbortSignal): Promise<SendOutcome> {
    const sent = { ...request, text: request.body.toString() };
    this.sent.push(sent);
    const due = this.#waiting.filter(({ count }) => count <= this.sent.length);
    this.#waiting = this.#waiting.filter(({ count }) => count > this.sent.length);
    for (const { resolve } of due) resolve();
    return await this.behave(sent, signal);
  }

  /** Resolves once so many requests have come. */
  async until(count: number): Promise<void> {
    if (this.sent.length >= count) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ count, resolve });
    await promise;
  }

  refusalOf(): undefined {
    return undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** The rule that each request tells of. */
export function rulesOf(sent: readonly SentRequest[]): string[] {
  return sent.map(({ text }) => {
    const parsed = JSON.parse(text) as { data: { rule?: { id: string } } };
    return parsed.data.rule?.id ?? 'sample';
  });
}

/** Of as many rules, in the order of their numbers. */
export function violations(count: number) {
  return Array.from({ length: count }, (_, at) => thresholdEvent({ ruleId: `rule_${at + 1}` }));
}
