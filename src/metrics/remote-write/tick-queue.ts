/**
 * The queue of ticks on disk that all receivers read from, each at its own pace.
 *
 *   onTick → append → newest segment ─(full, old, cluttered, failed)→ closed, and a new one begins
 *                     oldest segment ─(read by all, or one too many, or too old)→ deleted
 *
 * What `append` wrote survives the death of the process: it is with the operating system before
 * `append` returns. The disk itself is waited for every few seconds only, so a power cut may cost
 * those. Nothing here throws into a tick: a tick that cannot be written is lost and counted.
 */
import {
  closeSync,
  fdatasync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import { systemErrorCode } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import type { SampleTable } from '#metrics/sample-table.ts';
import { ByteWriter } from '#metrics/byte-writer.ts';
import {
  beginRecord,
  closeScanned,
  encodeFooter,
  endRecord,
  MAGIC,
  readFooter,
  scanSegment,
  type SegmentSummary,
} from './segment-file.ts';
import { TickEncoder, type SeriesDefinition } from './tick-record.ts';

export interface TickQueueOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Segment {
  readonly number: number;
  readonly path: string;
  /** Up to the end of the last record. */
  bytes: number;
  ticks: number;
  samples: number;
  firstAtMs: number;
  lastAtMs: number;
}

const NAME = /^queue-(\d{10})$/;
const SEGMENTS_OF_WHOLE = 64;
const LARGEST_SEGMENT_BYTES = 4 * 1024 * 1024;
const LONGEST_SEGMENT_MS = 60 * MINUTE_MS;
const SYNC_INTERVAL_MS = 10 * SECOND_MS;

export class TickQueue implements Disposable {
  readonly #options: TickQueueOptions;
  readonly #segments: Segment[];
  readonly #encoder: TickEncoder;
  readonly #out = new ByteWriter();
  readonly #listeners = new Set<() => void>();
  readonly #expiryListeners = new Set<(segment: Segment) => void>();
  #nextNumber: number;
  /** Of the newest segment, while it takes records. */
  #file: number | undefined;
  #lostTicks = 0;
  #corruptSegments = 0;
  #expiredSegments = 0;
  #writeError: string | undefined;
  #syncedAtMs: number;
  #isSyncing = false;

  private constructor(options: TickQueueOptions, found: Recovered) {
    this.#options = options;
    this.#segments = found.segments;
    this.#corruptSegments = found.corrupt;
    this.#encoder = new TickEncoder(found.present);
    this.#nextNumber = (found.segments.at(-1)?.number ?? 0) + 1;
    this.#syncedAtMs = options.clock.monotonicMs();
  }

  /** Takes over what an earlier process left, cutting off what it did not finish. */
  static open(options: TickQueueOptions): TickQueue {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    return new TickQueue(options, recover(options));
  }

  /** Oldest first. The last one may still grow. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  get lostTicks(): number {
    return this.#lostTicks;
  }

  get corruptSegments(): number {
    return this.#corruptSegments;
  }

  /** Deleted although somebody had not read them. */
  get expiredSegments(): number {
    return this.#expiredSegments;
  }

  /** Why the last tick could not be written; undefined when it could. */
  get writeError(): string | undefined {
    return this.#writeError;
  }

  /** Called after each tick that was written. */
  onAppend(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Called before a segment is deleted because it is too old, or one too many. */
  onExpiry(listener: (segment: Segment) => void): Disposable {
    this.#expiryListeners.add(listener);
    return { [Symbol.dispose]: () => void this.#expiryListeners.delete(listener) };
  }

  append(atMs: number, table: SampleTable): void {
    try {
      if (this.#isFull(atMs)) this.closeSegment();
      if (this.#file === undefined) this.#encoder.startSegment();
      this.#out.clear();
      if (this.#file === undefined) this.#out.raw(MAGIC);
      const payloadAt = beginRecord(this.#out);
      const samples = this.#encoder.encode(atMs, table, this.#out);
      endRecord(this.#out, payloadAt);
      this.#write(atMs, samples);
      this.#succeed();
    } catch (thrown) {
      this.#fail(thrown);
      return;
    }
    this.#expire();
    this.#sync();
    for (const listener of this.#listeners) listener();
  }

  /** The next tick begins a new segment. */
  closeSegment(): void {
    const segment = this.#segments.at(-1);
    const file = this.#file;
    if (file === undefined || segment === undefined) return;
    this.#file = undefined;
    try {
      const footer = encodeFooter(segment);
      writeSync(file, footer, 0, footer.length, segment.bytes);
    } catch (thrown) {
      // Without a footer the segment is scanned at the next start; nothing is lost.
      this.#options.log.debug({ error: thrown }, 'a queue segment has no summary');
    }
    // In the background: it may take as long as the disk likes.
    fdatasync(file, () => closeSync(file));
  }

  /** Deletes the segments before this one: everybody has read them. */
  release(number: number): void {
    while (this.#segments.length > 1 && (this.#segments[0]?.number ?? number) < number) {
      this.#deleteOldest();
    }
  }

  reportCorrupt(segment: Segment, error: string): void {
    this.#corruptSegments += 1;
    this.#options.log.error(
      { file: segment.path, error },
      'a segment of the remote write queue is damaged; the rest of it is lost',
    );
    // Whatever is appended to it could not be reached any more.
    if (segment === this.#segments.at(-1)) this.closeSegment();
  }

  [Symbol.dispose](): void {
    this.closeSegment();
  }

  #isFull(atMs: number): boolean {
    const segment = this.#segments.at(-1);
    if (this.#file === undefined || segment === undefined) return false;
    const { maxBytes, maxAgeMs } = this.#options;
    return (
      segment.bytes >= Math.min(LARGEST_SEGMENT_BYTES, maxBytes / SEGMENTS_OF_WHOLE) ||
      atMs - segment.firstAtMs >= Math.min(LONGEST_SEGMENT_MS, maxAgeMs / SEGMENTS_OF_WHOLE) ||
      this.#encoder.isCluttered
    );
  }

  #write(atMs: number, samples: number): void {
    const segment = this.#file === undefined ? this.#create(atMs) : this.#segments.at(-1);
    if (this.#file === undefined || segment === undefined) throw new Error('no segment is open');
    const bytes = this.#out.view();
    let written = 0;
    while (written < bytes.length) {
      const left = bytes.length - written;
      written += writeSync(this.#file, bytes, written, left, segment.bytes + written);
    }
    segment.bytes += bytes.length;
    segment.ticks += 1;
    segment.samples += samples;
    segment.lastAtMs = atMs;
  }

  #create(atMs: number): Segment {
    const number = this.#nextNumber;
    const path = segmentPath(this.#options.directory, number);
    this.#file = openSync(path, 'wx', 0o600);
    this.#nextNumber += 1;
    const empty = { bytes: 0, ticks: 0, samples: 0, firstAtMs: atMs, lastAtMs: atMs };
    const segment = { number, path, ...empty };
    this.#segments.push(segment);
    return segment;
  }

  /** The record may be there in part: it goes, and what follows begins anew. */
  #fail(thrown: unknown): void {
    this.#encoder.takeBack();
    this.#lostTicks += 1;
    const error = systemErrorCode(thrown) ?? String(thrown);
    if (this.#writeError === undefined) {
      this.#options.log.error({ error: thrown }, 'the remote write queue cannot be written');
    }
    this.#writeError = error;
    const segment = this.#segments.at(-1);
    if (this.#file === undefined || segment === undefined) return;
    try {
      ftruncateSync(this.#file, segment.bytes);
    } catch {
      // Readers stop at `bytes`, and the next start cuts the torn end off.
    }
    this.closeSegment();
    if (segment.ticks > 0) return;
    this.#segments.pop();
    unlink(segment.path);
  }

  #succeed(): void {
    if (this.#writeError === undefined) return;
    this.#writeError = undefined;
    this.#options.log.info(
      { lost_ticks: this.#lostTicks },
      'the remote write queue can be written again',
    );
  }

  #expire(): void {
    const newestMs = this.#segments.at(-1)?.lastAtMs ?? 0;
    const { maxBytes, maxAgeMs, log } = this.#options;
    let bytes = this.bytes;
    for (;;) {
      const oldest = this.#segments[0];
      if (oldest === undefined || this.#segments.length === 1) return;
      const why = bytes > maxBytes ? 'size' : 'age';
      if (why === 'age' && newestMs - oldest.lastAtMs <= maxAgeMs) return;
      bytes -= oldest.bytes;
      this.#expiredSegments += 1;
      const { ticks, samples } = oldest;
      log.warn({ ticks, samples, limit: why }, 'the remote write queue drops its oldest segment');
      for (const listener of this.#expiryListeners) listener(oldest);
      this.#deleteOldest();
    }
  }

  #deleteOldest(): void {
    const oldest = this.#segments.shift();
    if (oldest !== undefined) unlink(oldest.path);
  }

  #sync(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#file === undefined || this.#isSyncing) return;
    if (nowMs - this.#syncedAtMs < SYNC_INTERVAL_MS) return;
    this.#syncedAtMs = nowMs;
    this.#isSyncing = true;
    fdatasync(this.#file, () => (this.#isSyncing = false));
  }
}

interface Recovered {
  readonly segments: Segment[];
  /** The series that had a value in the last tick there is. */
  present: readonly SeriesDefinition[];
  corrupt: number;
}

function recover({ directory, log }: TickQueueOptions): Recovered {
  const numbers = readdirSync(directory)
    .map((name) => Number(NAME.exec(name)?.[1] ?? NaN))
    .filter((number) => !Number.isNaN(number))
    .toSorted((a, b) => a - b);
  const found: Recovered = { segments: [], present: [], corrupt: 0 };
  for (const number of numbers) {
    const path = segmentPath(directory, number);
    try {
      const summary = recoverSegment(path, { found, log, isLast: number === numbers.at(-1) });
      if (summary.ticks === 0) unlink(path);
      else found.segments.push({ number, path, ...summary });
    } catch (thrown) {
      found.corrupt += 1;
      log.error({ file: path, error: thrown }, 'a segment of the queue cannot be read');
    }
  }
  return found;
}

interface Recovery {
  readonly found: Recovered;
  readonly log: Log;
  readonly isLast: boolean;
}

function recoverSegment(path: string, { found, log, isLast }: Recovery): SegmentSummary {
  const footer = readFooter(path);
  if (footer !== undefined && !isLast) return footer;
  const { tornBytes, isCorrupt, present, ...summary } = scanSegment(path);
  if (isLast) found.present = present;
  if (isCorrupt) {
    found.corrupt += 1;
    log.error({ file: path }, 'a segment of the queue is damaged; the rest of it is lost');
  } else if (tornBytes > 0) {
    log.info({ file: path, bytes: tornBytes }, 'a segment of the queue ended in mid-record');
  }
  if ((footer === undefined || isCorrupt) && summary.ticks > 0) {
    try {
      closeScanned(path, summary);
    } catch (thrown) {
      // Readers stop where the good records end, and the next start tries again.
      log.warn({ file: path, error: thrown }, 'the torn end of a queue segment stays');
    }
  }
  return summary;
}

function segmentPath(directory: string, number: number): string {
  return join(directory, `queue-${String(number).padStart(10, '0')}`);
}

function unlink(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone already, or the disk is read-only: the next start finds it and tries again.
  }
}
