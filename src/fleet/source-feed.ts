/**
 * The port to whatever tells how servers are. One feed is one thing to ask, which may know several
 * servers: a Prometheus is asked once for all of its own.
 */
import type { ServerId } from '#kernel/ids.ts';
import type { ServerReading } from './server-reading.ts';
import type { SourceKind, SourceSpec } from './server.ts';

/** Something that a source is there to tell, and could not just now. */
export interface MissingPart {
  /** What it is to people: `filesystems`. */
  readonly part: string;
  /** A clause: `it answered HTTP 500`. */
  readonly why: string;
}

/** What a source tells of a server, and what a person has to know of it. */
export interface FeedReading extends ServerReading {
  /** What it should have told besides. */
  readonly missing?: readonly MissingPart[];
  /** What it says itself that it is in trouble with: sentences. */
  readonly complaints?: readonly string[];
}

export interface SourceFeed extends AsyncDisposable {
  readonly kind: SourceKind;
  /** For people, without secrets: `exporter http://10.0.0.7:9100`. */
  readonly label: string;
  /** How often it may be asked, where that is not for the fleet to say. */
  readonly intervalMs?: number | undefined;
  /**
   * Asks once. A server that is not in the answer is unknown to the source just now; one whose
   * value is an error could not be asked. Throws when nothing could be asked at all. Never called
   * again before it settled; obeys the signal, which is the deadline too.
   */
  poll(signal: AbortSignal): Promise<ReadonlyMap<ServerId, FeedReading | Error>>;
}

export interface FeedRequest {
  readonly id: ServerId;
  readonly spec: SourceSpec;
  /** What the spec seals, opened; only ever in memory. */
  readonly secret: string | undefined;
}

/** Makes feeds of sources; backends implement it. */
export interface FeedOpener {
  /** Requests with equal keys are one thing to ask. Holds no secret. */
  keyOf(request: FeedRequest): string;
  /** Of requests that have one key. Connects to nothing yet. */
  open(requests: readonly FeedRequest[]): SourceFeed;
}
