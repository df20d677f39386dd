/** Opens a feed as the disk it is, and counts what comes of it. */
import type { ByteStream } from '#disks/byte-source.ts';
import type { DiskReader } from '#disks/disk-reader.ts';
import { NbdSource } from '#disks/nbd/nbd-source.ts';
import type { RateLimiter } from '#disks/rate-limiter.ts';
import { createRawReader } from '#disks/raw/raw-reader.ts';
import { readStreamOptimized } from '#disks/vmdk/stream-optimized-reader.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, isErrorKind, toDroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { DiskFeed } from '#transfers/disk-feed.ts';
import { getPlace, readBody, refuseStatus } from './http-answer.ts';
import { openFileFeed } from './open-file-feed.ts';
import { PlaceConnections } from './place-connections.ts';
import { RangeReader } from './range-reader.ts';

const STREAM_IDLE_MS = 60 * SECOND_MS;

export interface OpenFeed extends AsyncDisposable {
  readonly reader: DiskReader;
  /** Names the state of the source, so that two halves of a copy are of the same disk. */
  readonly sourceState: string;
  receivedBytes(): number;
  /** Of the copy; undefined where the feed is held back as it comes. */
  readonly limiter: RateLimiter | undefined;
}

export interface OpenFeedOptions {
  readonly capacityBytes: number;
  readonly clock: Clock;
  readonly limiter: RateLimiter;
  readonly signal: AbortSignal;
}

export async function openFeed(feed: DiskFeed, options: OpenFeedOptions): Promise<OpenFeed> {
  switch (feed.kind) {
    case 'stream':
      return await openStream(feed, options);
    case 'ranges':
      return await openRanges(feed, options);
    case 'nbd':
      return await openNbd(feed, options);
    case 'file':
      return await openFile(feed, options);
  }
}

type Feed<Kind extends DiskFeed['kind']> = DiskFeed & { readonly kind: Kind };

async function openStream(
  { place, expectedBytes }: Feed<'stream'>,
  { capacityBytes, limiter, signal }: OpenFeedOptions,
): Promise<OpenFeed> {
  await using stack = new AsyncDisposableStack();
  const connections = stack.use(
    new PlaceConnections(place, { most: 1, idleTimeoutMs: STREAM_IDLE_MS }),
  );
  const answer = await getPlace(place, { connections, signal, isOnly: true });
  if (answer.statusCode !== 200) throw refuseStatus(answer, 'the disk');
  let received = 0;
  const body = countBytes(readBody(answer, signal), async (bytes) => {
    received += bytes;
    // What is asked for is what goes over the wire, so that is what is held back.
    await limiter.take(bytes, signal);
  });
  const whole = expectedBytes === undefined ? body : assertLength(body, expectedBytes);
  const reader = stack.use(await openArriving(whole, { signal, expectedCapacity: capacityBytes }));
  const closing = stack.move();
  return {
    ...{ reader, sourceState: '', limiter: undefined },
    receivedBytes: () => received,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** The disk itself is as it was: what came damaged, or not whole, may come right next time. */
async function openArriving(
  bytes: ByteStream,
  options: Parameters<typeof readStreamOptimized>[1],
): Promise<DiskReader> {
  const reader = await readStreamOptimized(bytes, options).catch(throwAsDamaged);
  return {
    capacityBytes: reader.capacityBytes,
    async *chunks(its) {
      try {
        yield* reader.chunks(its);
      } catch (thrown) {
        throwAsDamaged(thrown);
      }
    },
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

function throwAsDamaged(thrown: unknown): never {
  if (!isErrorKind(thrown, 'data_loss')) throw thrown;
  const { message } = toDroverError(thrown);
  throw new DroverError('unavailable', `what the source sent cannot be the disk: ${message}`, {
    reason: 'SOURCE_DAMAGED',
    cause: thrown,
  });
}

async function openRanges(
  feed: Feed<'ranges'>,
  { clock, limiter, signal }: OpenFeedOptions,
): Promise<OpenFeed> {
  const reader = await RangeReader.open(feed, clock, signal);
  return {
    ...{ reader, limiter, sourceState: reader.state },
    receivedBytes: () => reader.receivedBytes,
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

async function openNbd(
  feed: Feed<'nbd'>,
  { clock, limiter, signal }: OpenFeedOptions,
): Promise<OpenFeed> {
  const source = await NbdSource.open({ ...feed, clock }, signal);
  const reader = createRawReader(source);
  return {
    ...{ reader, limiter, sourceState: feed.state },
    receivedBytes: () => source.receivedBytes,
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

async function openFile(
  feed: Feed<'file'>,
  { capacityBytes, limiter, signal }: OpenFeedOptions,
): Promise<OpenFeed> {
  const { reader, state } = await openFileFeed(feed, signal);
  return {
    ...{ reader: atLeast(reader, capacityBytes), limiter, sourceState: state },
    receivedBytes: () => 0,
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

/** A disk may be longer than its image: what is missing reads as zeros. */
function atLeast(reader: DiskReader, capacityBytes: number): DiskReader {
  if (reader.capacityBytes >= capacityBytes) return reader;
  return {
    capacityBytes,
    chunks: (options) => reader.chunks(options),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

async function* countBytes(
  bytes: ByteStream,
  onBytes: (count: number) => Promise<void>,
): ByteStream & AsyncGenerator<Uint8Array> {
  for await (const part of bytes) {
    await onBytes(part.byteLength);
    yield part;
  }
}

async function* assertLength(
  bytes: ByteStream,
  expected: number,
): ByteStream & AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const part of bytes) {
    seen += part.byteLength;
    yield part;
  }
  if (seen === expected) return;
  throw new DroverError(
    'data_loss',
    `the source sent ${seen} bytes of the disk and had announced ${expected}`,
    { reason: 'SOURCE_WRONG_LENGTH' },
  );
}
