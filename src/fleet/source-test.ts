/** Asks a source once, out of turn, to say whether it can be asked at all. */
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { SourceKind } from './server.ts';
import type { FeedOpener, FeedRequest } from './source-feed.ts';
import { sourceTrouble } from './source-trouble.ts';

const DEADLINE_MS = 10 * SECOND_MS;

export interface SourceTest {
  readonly kind: SourceKind;
  /** `exporter http://10.0.0.7:9100`; undefined where it did not come to that. */
  readonly label?: string;
  /** Undefined: it works. */
  readonly error?: string;
  readonly responseMs?: number;
  /** It answers, but does not tell all that it should, or is not well itself. */
  readonly trouble?: string | undefined;
  /** Which parts of a server it knows. Rates need a second answer and do not count. */
  readonly tells?: readonly string[];
}

export async function testSource(
  request: FeedRequest,
  { opener, clock, signal }: { opener: FeedOpener; clock: Clock; signal: AbortSignal },
): Promise<SourceTest> {
  const { kind } = request.spec;
  await using feed = opener.open([request]);
  const { label } = feed;
  const beganMs = clock.monotonicMs();
  try {
    using deadline = openDeadline(clock, DEADLINE_MS, `asking ${label}`, signal);
    const answer = (await feed.poll(deadline.signal)).get(request.id);
    if (answer === undefined) return { kind, label, error: 'it does not know this server' };
    if (answer instanceof Error) return { kind, label, error: toDroverError(answer).message };
    const responseMs = Math.round((clock.monotonicMs() - beganMs) * 10) / 10;
    const { missing: _missing, complaints: _complaints, ...reading } = answer;
    const trouble = sourceTrouble(answer);
    return { kind, label, responseMs, trouble, tells: partsOf(reading) };
  } catch (thrown) {
    signal.throwIfAborted();
    return { kind, label, error: toDroverError(thrown).message };
  }
}

function partsOf(reading: object): readonly string[] {
  return Object.entries(reading).flatMap(([part, value]) => (value === undefined ? [] : [part]));
}
