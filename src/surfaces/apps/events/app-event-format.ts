/**
 * Events as apps know them: each kind of the catalogue is a type of its own, posted as JSON with
 * the names of the catalogue in snake case. Apps are told by the engine that tells URLs, so an
 * event comes at least once, in order, and again after a failure.
 */
import { EVENT_KINDS, type EventKind, type RecordedEvent } from '#events/event.ts';
import { toIsoTime } from '#kernel/clock.ts';
import type { WebhookFormat } from '#webhooks/webhook-format.ts';

/** Its name is the host's alone: another host's process has other apps, and leaves these be. */
export function createAppEventFormat(hostId: string): WebhookFormat {
  return {
    name: `apps@${hostId}`,
    eventTypes: EVENT_KINDS,
    kindsOf: (eventType) => EVENT_KINDS.filter((kind) => kind === eventType),
    render: (recorded) => ({
      eventType: recorded.event.kind,
      body: Buffer.from(JSON.stringify(recordedToJson(recorded))),
    }),
    renderTest: (eventType, atMs) => ({
      eventType,
      body: Buffer.from(
        JSON.stringify({ type: eventType, timestamp: toIsoTime(atMs), test: true, data: {} }),
      ),
    }),
    headers: ({ eventType }) => ({
      'content-type': 'application/json',
      'x-drover-event': eventType,
    }),
  };
}

function recordedToJson({ id, at, event }: RecordedEvent): object {
  const { kind, ...fields } = event satisfies { kind: EventKind };
  return { id, type: kind, timestamp: toIsoTime(at), data: toSnakeCase(fields) };
}

function toSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSnakeCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      // The names in there are not ours to change.
      name === 'labels' ? part : toSnakeCase(part),
    ]),
  );
}
