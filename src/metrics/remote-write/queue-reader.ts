/**
 * One receiver's way through the queue: batches of ticks, in order, each from one segment. What
 * has been read counts as pending until it is acknowledged.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { systemErrorCode } from '#kernel/errors.ts';
import { FRAME_BYTES, MAGIC, readRecord } from './segment-file.ts';
import {
  readTickHead,
  TickDecoder,
  type SeriesDefinition,
  type StoredTick,
  type TickHead,
} from './tick-record.ts';
import type { Segment, TickQueue } from './tick-queue.ts';

export interface QueuePosition {
  readonly segment: number;
  readonly offset: number;
}

export interface TickBatch {
  /** Of the segment; grows while it is read. */
  readonly definitions: readonly SeriesDefinition[];
  readonly ticks: readonly StoredTick[];
  readonly samples: number;
  readonly end: QueuePosition;
  readonly endSamples: number;
}

export interface BatchLimits {
  readonly maxSamples: number;
  readonly maxTicks: number;
}

const CHUNK_BYTES = 256 * 1024;

/** A segment being read. */
interface OpenSegment {
  readonly segment: Segment;
  readonly file: number;
  readonly decoder: TickDecoder;
  /** Of the record to be read next. */
  offset: number;
  /** Samples in the records before it. */
  samples: number;
  chunk: Buffer;
  chunkAt: number;
}

interface Peeked extends TickHead {
  readonly payload: Buffer;
  readonly end: number;
}

export class QueueReader implements Disposable {
  readonly #queue: TickQueue;
  readonly #onLost: (samples: number) => void;
  readonly #expiry: Disposable;
  #open: OpenSegment | undefined;
  #peeked: Peeked | undefined;
  /** Read up to here, and acknowledged up to there. */
  #read: QueuePosition;
  #acknowledged: QueuePosition;
  #acknowledgedSamples = 0;

  /** `onLost` hears of samples that were never read: their segment was damaged or dropped. */
  constructor(queue: TickQueue, start: QueuePosition, onLost: (samples: number) => void) {
    this.#queue = queue;
    this.#onLost = onLost;
    this.#read = start;
    this.#acknowledged = start;
    this.#expiry = queue.onExpiry((segment) => this.#forget(segment));
    // So that what is pending is known before the first batch is asked for.
    this.peek();
    this.#acknowledged = this.#read;
    this.#acknowledgedSamples = this.#open?.samples ?? 0;
  }

  get position(): QueuePosition {
    return this.#acknowledged;
  }

  get pendingSamples(): number {
    const done = this.#isAcknowledgedThere ? this.#acknowledgedSamples : 0;
    return this.#pending(({ samples }) => samples) - done;
  }

  get pendingBytes(): number {
    const done = this.#isAcknowledgedThere ? this.#acknowledged.offset : 0;
    return this.#pending(({ bytes }) => bytes) - done;
  }

  /** The next tick, without its values. */
  peek(): TickHead | undefined {
    return this.#peek();
  }

  /** At least one tick; more while they fit. Undefined when everything has been read. */
  nextBatch({ maxSamples, maxTicks }: BatchLimits): TickBatch | undefined {
    const ticks: StoredTick[] = [];
    let samples = 0;
    let segment: OpenSegment | undefined;
    while (ticks.length < maxTicks) {
      const next = this.#peek();
      const open = this.#open;
      if (next === undefined || open === undefined) break;
      // Numbers of series mean something within one segment only.
      if (segment !== undefined && open !== segment) break;
      if (ticks.length > 0 && samples + next.samples > maxSamples) break;
      const tick = this.#take(open, next);
      if (tick === undefined) break;
      segment = open;
      ticks.push(tick);
      samples += next.samples;
    }
    if (segment === undefined) return undefined;
    const end = { segment: segment.segment.number, offset: segment.offset };
    const { definitions } = segment.decoder;
    return { definitions, ticks, samples, end, endSamples: segment.samples };
  }

  acknowledge({ end, endSamples }: TickBatch): void {
    this.#acknowledged = end;
    this.#acknowledgedSamples = endSamples;
  }

  [Symbol.dispose](): void {
    this.#expiry[Symbol.dispose]();
    this.#close();
  }

  get #isAcknowledgedThere(): boolean {
    const { segment } = this.#acknowledged;
    return this.#queue.segments.some(({ number }) => number === segment);
  }

  #pending(measure: (segment: Segment) => number): number {
    let sum = 0;
    for (const segment of this.#queue.segments) {
      if (segment.number >= this.#acknowledged.segment) sum += measure(segment);
    }
    return sum;
  }

  #take(open: OpenSegment, next: Peeked): StoredTick | undefined {
    this.#peeked = undefined;
    try {
      const tick = open.decoder.decode(next.payload);
      open.offset = next.end;
      open.samples += next.samples;
      this.#read = { segment: open.segment.number, offset: next.end };
      return tick;
    } catch (thrown) {
      this.#giveUp(open.segment, open.samples, thrown);
      return undefined;
    }
  }

  #peek(): Peeked | undefined {
    for (;;) {
      if (this.#peeked !== undefined) return this.#peeked;
      const segment = this.#current();
      if (segment === undefined) return undefined;
      try {
        const open = this.#openAt(segment);
        this.#peeked = readNext(open);
        if (this.#peeked !== undefined) return this.#peeked;
      } catch (thrown) {
        this.#giveUp(segment, this.#open?.samples ?? 0, thrown);
      }
      if (segment === this.#queue.segments.at(-1)) return undefined;
      this.#goTo(this.#after(segment.number));
    }
  }

  /** The segment to read from: where we are, or the first one after it if that is gone. */
  #current(): Segment | undefined {
    const { segments } = this.#queue;
    return segments.find(({ number }) => number >= this.#read.segment);
  }

  #after(number: number): QueuePosition {
    const next = this.#queue.segments.find((segment) => segment.number > number);
    return { segment: next?.number ?? number + 1, offset: 0 };
  }

  #goTo(position: QueuePosition): void {
    this.#close();
    this.#read = position;
  }

  /** Reads from its beginning to where we are, for what the records there have defined. */
  #openAt(segment: Segment): OpenSegment {
    if (this.#open?.segment === segment) return this.#open;
    this.#close();
    const open: OpenSegment = {
      segment,
      file: openSync(segment.path, 'r'),
      decoder: new TickDecoder(),
      offset: MAGIC.length,
      samples: 0,
      chunk: Buffer.alloc(0),
      chunkAt: 0,
    };
    this.#open = open;
    const upTo = segment.number === this.#read.segment ? this.#read.offset : 0;
    while (open.offset < upTo) {
      const next = readNext(open);
      if (next === undefined) break;
      open.decoder.decode(next.payload);
      open.offset = next.end;
      open.samples += next.samples;
    }
    this.#read = { segment: segment.number, offset: open.offset };
    return open;
  }

  /** The rest of the segment cannot be had. */
  #giveUp(segment: Segment, samplesRead: number, thrown: unknown): void {
    const isNews = this.#read.offset < segment.bytes;
    this.#goTo({ segment: segment.number, offset: segment.bytes });
    this.#peeked = undefined;
    if (!isNews) return;
    this.#onLost(Math.max(0, segment.samples - samplesRead));
    this.#queue.reportCorrupt(segment, systemErrorCode(thrown) ?? String(thrown));
  }

  #forget(segment: Segment): void {
    if (segment.number < this.#read.segment) return;
    const isOpen = this.#open?.segment === segment;
    this.#onLost(segment.samples - (isOpen ? (this.#open?.samples ?? 0) : 0));
    this.#goTo(this.#after(segment.number));
  }

  #close(): void {
    if (this.#open !== undefined) closeSync(this.#open.file);
    this.#open = undefined;
    this.#peeked = undefined;
  }
}

/** The record at the reader's offset; undefined at the end of what has been written. */
function readNext(open: OpenSegment): Peeked | undefined {
  const left = open.segment.bytes - open.offset;
  if (left <= 0) return undefined;
  let record = readRecord(open.chunk, open.offset - open.chunkAt);
  if (record.kind === 'end') {
    fill(open, Math.min(left, CHUNK_BYTES));
    record = readRecord(open.chunk, 0);
    if (record.kind === 'end' && open.chunk.length >= FRAME_BYTES) {
      fill(open, Math.min(left, FRAME_BYTES + open.chunk.readUInt32LE(0)));
      record = readRecord(open.chunk, 0);
    }
  }
  if (record.kind !== 'record') throw new RangeError('a record is not as it was written');
  return {
    ...readTickHead(record.payload),
    payload: record.payload,
    end: open.chunkAt + record.end,
  };
}

function fill(open: OpenSegment, bytes: number): void {
  const chunk = Buffer.allocUnsafe(bytes);
  const got = readSync(open.file, chunk, 0, bytes, open.offset);
  open.chunk = chunk.subarray(0, got);
  open.chunkAt = open.offset;
}
