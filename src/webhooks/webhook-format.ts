/** How a surface writes events for its subscribers. The engine knows no format, only this port. */
import type { EventKind, RecordedEvent } from '#events/event.ts';

export interface RenderedEvent {
  readonly eventType: string;
  /** Signed and sent exactly as it is here. */
  readonly body: Buffer;
}

export interface WebhookFormat {
  readonly name: string;
  /** The words that a registration may hold. */
  readonly eventTypes: readonly string[];
  kindsOf(eventType: string): readonly EventKind[];
  /** The same bytes each time; undefined for an event that this format does not tell of. */
  render(recorded: RecordedEvent): RenderedEvent | undefined;
  /** An event of this type that never happened, for trying out a receiver. */
  renderTest(eventType: string, atMs: number): RenderedEvent;
  /** Its own headers; those of Standard Webhooks are the engine's. */
  headers(rendered: RenderedEvent, secret: string | undefined): Readonly<Record<string, string>>;
}
