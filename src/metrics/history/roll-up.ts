/**
 * Makes coarser points of finer ones: each stands for one bucket of time and carries the instant
 * of the newest sample in it, so that a rolled-up series can be read like any other.
 *
 * In chunks the columns are written as what is mostly small: last, max - last, last - min,
 * sum - count * last, count.
 */
import type { RollupColumn } from '#metrics/metric-reader.ts';
import { ChunkEncoder } from './chunk-encoder.ts';
import type { DecodedChunk } from './chunk-decoder.ts';
import { damagedError } from './byte-reader.ts';
import { ROLLED_COLUMNS } from './tiers.ts';

/** The place of a column in a rolled-up chunk. */
export const COUNT = 4;

/** Whole numbers at the series' scale. All NaN where the series ended. */
export interface RolledPoint {
  readonly atMs: number;
  readonly last: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly count: number;
}

export class RollUp {
  readonly #resolution: number;
  readonly #emit: (point: RolledPoint) => void;
  #bucket = NaN;
  #atMs = NaN;
  #last = NaN;
  #min = NaN;
  #max = NaN;
  #sum = 0;
  #count = 0;

  constructor(resolution: number, emit: (point: RolledPoint) => void) {
    this.#resolution = resolution;
    this.#emit = emit;
  }

  /** A sample as it was taken, or NaN for the end of the series. */
  addSample(atMs: number, value: number): void {
    if (!this.#enter(atMs, value)) return;
    this.#atMs = atMs;
    this.#last = value;
    if (this.#count === 0 || value < this.#min) this.#min = value;
    if (this.#count === 0 || value > this.#max) this.#max = value;
    this.#sum += value;
    this.#count += 1;
  }

  addPoint(point: RolledPoint): void {
    if (!this.#enter(point.atMs, point.last)) return;
    this.#atMs = point.atMs;
    this.#last = point.last;
    if (this.#count === 0 || point.min < this.#min) this.#min = point.min;
    if (this.#count === 0 || point.max > this.#max) this.#max = point.max;
    this.#sum += point.sum;
    this.#count += point.count;
  }

  /** Emits the bucket that is open. */
  end(): void {
    if (this.#count > 0) {
      this.#emit({
        atMs: this.#atMs,
        last: this.#last,
        min: this.#min,
        max: this.#max,
        sum: this.#sum,
        count: this.#count,
      });
    }
    this.#bucket = NaN;
    this.#sum = 0;
    this.#count = 0;
  }

  /** False for the end of a series, which is passed on as a point of its own. */
  #enter(atMs: number, value: number): boolean {
    const bucket = Math.floor(atMs / this.#resolution);
    if (bucket !== this.#bucket) this.end();
    this.#bucket = bucket;
    if (!Number.isNaN(value)) return true;
    this.end();
    this.#emit({ atMs, last: NaN, min: NaN, max: NaN, sum: NaN, count: 0 });
    return false;
  }
}

/** Rolls chunks of one series, in the order of their time, up into chunks. */
export function rollUpChunks(chunks: Iterable<DecodedChunk>, resolution: number): ChunkEncoder[] {
  const rolled: ChunkEncoder[] = [];
  let scale = 0;
  const rollUp = new RollUp(resolution, (point) => {
    let chunk = rolled.at(-1);
    if (chunk === undefined || chunk.scale !== scale || !chunk.accepts(point.atMs)) {
      chunk = new ChunkEncoder(scale, ROLLED_COLUMNS);
      rolled.push(chunk);
    }
    chunk.pushRow(point.atMs, pointToRow(point));
  });
  for (const chunk of chunks) {
    if (chunk.scale !== scale) rollUp.end();
    ({ scale } = chunk);
    feed(rollUp, chunk);
  }
  rollUp.end();
  return rolled;
}

/** Gives a chunk of any resolution, or what of it is within a time, to a roll-up. */
export function feed(rollUp: RollUp, chunk: DecodedChunk, fromMs = -Infinity, toMs = Infinity) {
  const { times } = chunk;
  const isRolled = chunk.columns > 1;
  const [values] = chunk.values;
  for (let at = 0; at < times.length; at += 1) {
    const atMs = times[at] ?? 0;
    if (atMs < fromMs || atMs > toMs) continue;
    if (isRolled) rollUp.addPoint(rolledPoint(chunk, at));
    else rollUp.addSample(atMs, values?.[at] ?? NaN);
  }
}

function pointToRow({ last, min, max, sum, count }: RolledPoint): readonly number[] {
  return [last, max - last, last - min, sum - count * last, count];
}

function rolledPoint({ times, values }: DecodedChunk, at: number): RolledPoint {
  const [last, above, below, rest, count] = values;
  if (!last || !above || !below || !rest || !count) throw damagedError('columns are missing');
  const lastValue = last[at] ?? NaN;
  const samples = count[at] ?? 0;
  return {
    atMs: times[at] ?? 0,
    last: lastValue,
    min: lastValue - (below[at] ?? 0),
    max: lastValue + (above[at] ?? 0),
    sum: (rest[at] ?? 0) + samples * lastValue,
    count: Number.isNaN(samples) ? 0 : samples,
  };
}

/** One column of a chunk, made in place: the chunk is of no more use for others. */
export function columnOf({ values, columns }: DecodedChunk, column: RollupColumn): Float64Array {
  const [last, above, below, rest, count] = values;
  if (columns === 1 && last !== undefined) return last;
  if (!last || !above || !below || !rest || !count) throw damagedError('columns are missing');
  switch (column) {
    case 'last':
      break;
    case 'min':
      for (let at = 0; at < last.length; at += 1) last[at] = (last[at] ?? 0) - (below[at] ?? 0);
      break;
    case 'max':
      for (let at = 0; at < last.length; at += 1) last[at] = (last[at] ?? 0) + (above[at] ?? 0);
      break;
    case 'sum':
      for (let at = 0; at < last.length; at += 1) {
        last[at] = (rest[at] ?? 0) + (count[at] ?? 0) * (last[at] ?? 0);
      }
      break;
  }
  for (let at = 0; at < last.length; at += 1) if (Number.isNaN(last[at])) count[at] = 0;
  return last;
}
