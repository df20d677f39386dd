/**
 * A flat disk behind a server that answers ranges. Pieces are asked for over several connections at
 * once and given out in order, so that a copy can be gone on with from any offset. A piece whose
 * connection breaks is asked for again; the others go on meanwhile.
 */
import type { DiskChunk, DiskReader, ReadDiskOptions } from '#disks/disk-reader.ts';
import { backoffMs } from '#kernel/backoff.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import type { DiskFeed } from '#transfers/disk-feed.ts';
import { getPlace, readBody, refuseStatus } from './http-answer.ts';
import { PlaceConnections } from './place-connections.ts';

/** What is under way when a copy breaks off comes again, so it is little of a little disk. */
const LEAST_PIECE_BYTES = MIB / 4;
const MOST_PIECE_BYTES = 4 * MIB;
const CHUNK_BYTES = MIB;
const ATTEMPTS = 5;
const IDLE_TIMEOUT_MS = 30 * SECOND_MS;

type RangesFeed = DiskFeed & { readonly kind: 'ranges' };

interface Piece {
  readonly offset: number;
  readonly length: number;
}

export class RangeReader implements DiskReader {
  readonly capacityBytes: number;
  /** Names the state of the source: another one is another disk. Empty when it does not say. */
  readonly state: string;
  readonly #pieceBytes: number;
  #receivedBytes = 0;
  readonly #feed: RangesFeed;
  readonly #clock: Clock;
  readonly #connections: PlaceConnections;

  private constructor(
    feed: RangesFeed,
    { clock, connections, state }: { clock: Clock; connections: PlaceConnections; state: string },
  ) {
    this.#feed = feed;
    this.#clock = clock;
    this.#connections = connections;
    this.state = state;
    this.capacityBytes = feed.capacityBytes;
    const share = 512 * Math.ceil(feed.capacityBytes / 1024 / 512);
    this.#pieceBytes = Math.min(MOST_PIECE_BYTES, Math.max(LEAST_PIECE_BYTES, share));
  }

  static async open(feed: RangesFeed, clock: Clock, signal: AbortSignal): Promise<RangeReader> {
    const connections = new PlaceConnections(feed.place, {
      most: feed.connections,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
    });
    try {
      const answer = await askFor(feed, { offset: 0, length: 1 }, { connections, signal });
      const { etag, 'last-modified': changedAt } = answer.headers;
      answer.destroy();
      return new RangeReader(feed, { clock, connections, state: etag ?? changedAt ?? '' });
    } catch (thrown) {
      connections[Symbol.dispose]();
      throw thrown;
    }
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  async *chunks({ fromOffset = 0, signal }: ReadDiskOptions): AsyncGenerator<DiskChunk> {
    const stop = new AbortController();
    const joined = AbortSignal.any([signal, stop.signal]);
    const ahead: { readonly piece: Piece; readonly data: Promise<Buffer> }[] = [];
    try {
      for (const piece of this.#pieces(fromOffset)) {
        const data = this.#fetch(piece, joined);
        // One that fails while an earlier one is waited for is dealt with when its turn comes.
        data.catch(() => undefined);
        ahead.push({ piece, data });
        if (ahead.length >= this.#feed.connections) yield* this.#give(ahead.shift());
      }
      while (ahead.length > 0) yield* this.#give(ahead.shift());
    } finally {
      stop.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connections[Symbol.dispose]();
  }

  async *#give(next: { readonly piece: Piece; readonly data: Promise<Buffer> } | undefined) {
    if (next === undefined) return;
    const bytes = await next.data;
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      yield { offset: next.piece.offset + at, data: bytes.subarray(at, at + CHUNK_BYTES) };
    }
  }

  *#pieces(fromOffset: number): Generator<Piece> {
    const all = [{ offset: 0, length: this.capacityBytes }];
    for (const { offset, length } of this.#feed.allocated ?? all) {
      const end = Math.min(offset + length, this.capacityBytes);
      for (let at = Math.max(offset, fromOffset); at < end; at += this.#pieceBytes) {
        yield { offset: at, length: Math.min(this.#pieceBytes, end - at) };
      }
    }
  }

  async #fetch(piece: Piece, signal: AbortSignal): Promise<Buffer> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#fetchOnce(piece, signal);
      } catch (thrown) {
        const { kind, reason } = toDroverError(thrown);
        const canPass = kind === 'unavailable' && reason !== 'SOURCE_SESSION_LOST';
        if (!canPass || attempt === ATTEMPTS || signal.aborted) throw thrown;
        await this.#clock.sleep(backoffMs(attempt, SECOND_MS / 4, 4 * SECOND_MS), signal);
      }
    }
  }

  async #fetchOnce(piece: Piece, signal: AbortSignal): Promise<Buffer> {
    const connections = this.#connections;
    const answer = await askFor(this.#feed, piece, { connections, signal });
    const { etag, 'last-modified': changedAt } = answer.headers;
    if ((etag ?? changedAt ?? '') !== this.state) {
      answer.destroy();
      throw new DroverError(
        'failed_precondition',
        'the disk changed at the source as it was read',
        {
          reason: 'SOURCE_CHANGED',
        },
      );
    }
    const bytes = Buffer.allocUnsafe(piece.length);
    let filled = 0;
    for await (const part of readBody(answer, signal)) {
      if (filled + part.length > bytes.length) throw wrongLength(piece);
      bytes.set(part, filled);
      filled += part.length;
      this.#receivedBytes += part.length;
    }
    if (filled !== bytes.length) throw wrongLength(piece);
    return bytes;
  }
}

async function askFor(
  { place, capacityBytes }: RangesFeed,
  { offset, length }: Piece,
  options: { readonly connections: PlaceConnections; readonly signal: AbortSignal },
) {
  const range = `bytes=${offset}-${offset + length - 1}`;
  const answer = await getPlace(place, { ...options, headers: { range } });
  if (answer.statusCode === 200) {
    answer.destroy();
    throw new DroverError('failed_precondition', 'the source ignores ranges; use another method', {
      reason: 'RANGES_IGNORED',
    });
  }
  if (answer.statusCode !== 206) throw refuseStatus(answer, 'the disk');
  const [, first, last, total] =
    /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.headers['content-range'] ?? '') ?? [];
  const isAsked = Number(first) === offset && Number(last) === offset + length - 1;
  if (!isAsked || (total !== '*' && Number(total) < capacityBytes)) {
    answer.destroy();
    throw wrongLength({ offset, length });
  }
  return answer;
}

function wrongLength({ offset, length }: Piece): DroverError {
  return new DroverError(
    'unavailable',
    `the source did not send the ${length} bytes at ${offset} that were asked for`,
    { reason: 'SOURCE_WRONG_LENGTH' },
  );
}
