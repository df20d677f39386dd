/**
 * The webhooks of two APIs as one list: those of migrations, and those of metrics and alerts. Each
 * is told to by the API that it is of.
 */
import { useQuery } from '@tanstack/react-query';
import { getJson, sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { parseInstant } from '#web/format/times.ts';

export type WebhookOf = 'migration' | 'metrics';

export interface Webhook {
  readonly of: WebhookOf;
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly isEnabled: boolean;
  readonly isConfigured: boolean;
  readonly failures: number;
  readonly lastError: string | null;
  readonly deliveredAtMs: number | undefined;
}

interface WireWebhook {
  readonly id: string;
  readonly url: string;
  readonly enabled: boolean;
  readonly disabled_reason?: string;
  /** Of migrations. */
  readonly events?: readonly string[];
  readonly source?: string;
  /** Of metrics. */
  readonly event_types?: readonly string[];
  readonly delivery: {
    /** A time in migrations, seconds in metrics. */
    readonly last_success: string | number | null;
    readonly failures: number;
    readonly last_error: string | null;
  };
}

type Webhooks = readonly WireWebhook[] | { readonly webhooks: readonly WireWebhook[] };

const POLL_MS = 5000;
const PATHS: Readonly<Record<WebhookOf, string>> = {
  ...{ migration: '/webhooks', metrics: '/api/v1/webhooks' },
};
/** What can be told of, by the words of each API. */
export const EVENTS: Readonly<Record<WebhookOf, readonly string[]>> = {
  migration: [
    ...['job.submitted', 'job.started', 'job.progress', 'job.completed', 'job.failed'],
    ...['job.cancelled', 'schedule.triggered', 'schedule.completed', 'schedule.failed'],
  ],
  metrics: ['threshold_violation', 'metrics'],
};

/** Those of migrations are there for operators alone. */
export function useWebhooks(isOperator: boolean) {
  return useQuery({
    queryKey: [...queryKeys.webhooks, isOperator],
    queryFn: ({ signal }) => readWebhooks(isOperator, signal),
    refetchInterval: POLL_MS,
  });
}

export async function readWebhooks(
  isOperator: boolean,
  signal?: AbortSignal,
): Promise<readonly Webhook[]> {
  const read = async (of: WebhookOf) => {
    const answer = await getJson<Webhooks>(PATHS[of], { signal });
    // Each API has a form of its own for a list.
    return ('webhooks' in answer ? answer.webhooks : answer).map((wire) => toWebhook(of, wire));
  };
  const kinds: readonly WebhookOf[] = isOperator ? ['migration', 'metrics'] : ['metrics'];
  return (await Promise.all(kinds.map(read))).flat();
}

function toWebhook(of: WebhookOf, wire: WireWebhook): Webhook {
  const { last_success: at, failures, last_error: error } = wire.delivery;
  return {
    ...{ of, id: wire.id, url: wire.url, events: wire.events ?? wire.event_types ?? [] },
    ...{ isEnabled: wire.enabled, isConfigured: wire.source === 'config', failures },
    lastError: wire.disabled_reason ?? error,
    deliveredAtMs: typeof at === 'number' ? at * 1000 : parseInstant(at),
  };
}

export function keyOf({ of, id }: Webhook): string {
  return `${of}:${id}`;
}

function pathOf({ of, id }: Webhook): string {
  return `${PATHS[of]}/${encodeURIComponent(id)}`;
}

export interface Attempt {
  readonly delivered: boolean;
  readonly status: number | null;
  readonly error: string | null;
  readonly latency_ms: number;
  readonly answer: string | null;
}

const TEST_DEADLINE_MS = 60_000;

export async function testWebhook(webhook: Webhook): Promise<Attempt> {
  const options = { deadlineMs: TEST_DEADLINE_MS };
  return await sendJson<Attempt>('POST', `${pathOf(webhook)}/test`, undefined, options);
}

export async function removeWebhook(webhook: Webhook): Promise<void> {
  await sendJson('DELETE', pathOf(webhook));
}

export interface NewWebhook {
  readonly of: WebhookOf;
  readonly url: string;
  readonly secret: string;
  readonly events: readonly string[];
}

/** The API of metrics wants events named; that of migrations takes none for all. */
export async function addWebhook({ of, url, secret, events }: NewWebhook): Promise<void> {
  const signed = secret === '' ? {} : { secret };
  const chosen = events.length === 0 ? EVENTS[of] : events;
  const types = of === 'metrics' ? { event_types: chosen } : { events };
  await sendJson('POST', PATHS[of], { url, ...signed, ...types });
}

export interface Delivery {
  readonly id: string;
  readonly event_type: string;
  /** Seconds since 1970. */
  readonly event_at: number;
  readonly state: string;
  readonly attempts: number;
  readonly last_status: number | null;
  readonly last_error: string | null;
  readonly latency_ms: number | null;
  readonly next_attempt_at: number | null;
}

/** Only the API of metrics keeps them. */
export function useDeliveries(webhook: Webhook) {
  return useQuery({
    queryKey: [...queryKeys.webhooks, 'deliveries', webhook.id],
    queryFn: async ({ signal }) => {
      type Answer = { readonly deliveries: readonly Delivery[] };
      const query = { page_size: 100 };
      return (await getJson<Answer>(`${pathOf(webhook)}/deliveries`, { query, signal })).deliveries;
    },
    refetchInterval: POLL_MS,
  });
}

export async function redeliver(webhook: Webhook, { id }: Delivery): Promise<void> {
  await sendJson('POST', `${pathOf(webhook)}/deliveries/${encodeURIComponent(id)}/redeliver`);
}
