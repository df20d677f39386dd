/** Puts the points of one series together from its chunks, in order of time and each time once. */
import type { RollupColumn, SeriesPoints } from '#metrics/metric-reader.ts';
import { powerOfScale } from '#metrics/metric-family.ts';
import type { DecodedChunk } from './chunk-decoder.ts';
import type { HistorySeries } from './history-series.ts';
import { columnOf, COUNT, feed, RollUp, type RolledPoint } from './roll-up.ts';
import type { Resolution } from './tiers.ts';

export interface CollectorOptions {
  readonly column: RollupColumn;
  readonly resolution: Resolution;
}

interface Piece {
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** Of samples as they were taken: undefined. */
  readonly counts: Float64Array | undefined;
}

export class PointCollector {
  readonly #series: HistorySeries;
  readonly #options: CollectorOptions;
  readonly #pieces: Piece[] = [];
  readonly #rollUp: RollUp;
  #rolled: RolledPoint[] = [];
  /** Of the chunks fed to the roll-up. */
  #scale = 0;
  #pieceCount = 0;
  #lastMs = -Infinity;
  #isOrdered = true;

  constructor(series: HistorySeries, options: CollectorOptions) {
    this.#series = series;
    this.#options = options;
    this.#rollUp = new RollUp(options.resolution, (point) => this.#rolled.push(point));
  }

  /** How many points there are so far. */
  get count(): number {
    return this.#pieceCount + this.#rolled.length;
  }

  /** A chunk of this tier, between instants as the leg of the query wants them. */
  add(chunk: DecodedChunk, tier: Resolution, leg: { fromMs: number; toMs: number }): void {
    if (tier !== this.#options.resolution) {
      if (chunk.scale !== this.#scale) this.#endRolled();
      this.#scale = chunk.scale;
      feed(this.#rollUp, chunk, leg.fromMs, leg.toMs);
      return;
    }
    this.#endRolled();
    const start = firstAtOrAfter(chunk.times, leg.fromMs);
    const end = firstAtOrAfter(chunk.times, leg.toMs + 1);
    if (start >= end) return;
    // The chunk was decoded for this alone, so its arrays are taken over.
    const values = columnOf(chunk, this.#options.column).subarray(start, end);
    scaleDown(values, chunk.scale);
    const counts = tier > 0 ? chunk.values[COUNT]?.subarray(start, end) : undefined;
    this.#push({ times: chunk.times.subarray(start, end), values, counts });
  }

  /** Undefined when there are no points. */
  finish(joined: JoinedTimes): SeriesPoints | undefined {
    this.#endRolled();
    if (this.#pieceCount === 0) return undefined;
    const points = this.#joined(joined);
    const ordered = this.#isOrdered ? points : inOrder(points);
    return { labels: this.#series.fullLabels, ...ordered };
  }

  #push(piece: Piece): void {
    const firstMs = piece.times[0] ?? NaN;
    if (firstMs <= this.#lastMs) this.#isOrdered = false;
    this.#lastMs = piece.times[piece.times.length - 1] ?? NaN;
    this.#pieces.push(piece);
    this.#pieceCount += piece.times.length;
  }

  #endRolled(): void {
    this.#rollUp.end();
    const rolled = this.#rolled;
    if (rolled.length === 0) return;
    const { column } = this.#options;
    const values = Float64Array.from(rolled, (point) => point[column]);
    scaleDown(values, this.#scale);
    const times = Float64Array.from(rolled, ({ atMs }) => atMs);
    if (!isGrowing(times)) this.#isOrdered = false;
    this.#push({
      times,
      values,
      counts: Float64Array.from(rolled, ({ count }) => count),
    });
    this.#rolled = [];
  }

  #joined(joined: JoinedTimes): Omit<SeriesPoints, 'labels'> {
    const pieces = this.#pieces;
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined) return only;
    const length = this.#pieceCount;
    const values = new Float64Array(length);
    const counts = this.#options.resolution > 0 ? new Float64Array(length) : undefined;
    let at = 0;
    for (const piece of pieces) {
      values.set(piece.values, at);
      if (piece.counts !== undefined) counts?.set(piece.counts, at);
      at += piece.times.length;
    }
    const times = joined.join(
      pieces.map((piece) => piece.times),
      length,
    );
    return { times, values, counts };
  }
}

/** Series of the same ticks share one list of instants, which is half of what an answer takes. */
export class JoinedTimes {
  #parts: readonly Float64Array[] = [];
  #whole = new Float64Array(0);

  join(parts: readonly Float64Array[], length: number): Float64Array {
    const known = this.#parts;
    if (parts.length === known.length && parts.every((part, at) => isSameArray(part, known[at]))) {
      return this.#whole;
    }
    const whole = new Float64Array(length);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.#parts = parts;
    this.#whole = whole;
    return whole;
  }
}

function isSameArray(one: Float64Array, other: Float64Array | undefined): boolean {
  return (
    one.buffer === other?.buffer &&
    one.byteOffset === other.byteOffset &&
    one.length === other.length
  );
}

function scaleDown(values: Float64Array, scale: number): void {
  if (scale === 0) return;
  const power = powerOfScale(scale);
  for (let at = 0; at < values.length; at += 1) values[at] = (values[at] ?? 0) / power;
}

/** The place of the first instant that is not before this one. */
function firstAtOrAfter(times: Float64Array, atMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? Infinity) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isGrowing(times: Float64Array): boolean {
  for (let at = 1; at < times.length; at += 1) {
    if (!((times[at] ?? 0) > (times[at - 1] ?? 0))) return false;
  }
  return true;
}

/** After the wall clock was set back: of points of one instant the one written last stands. */
function inOrder({
  times,
  values,
  counts,
}: Omit<SeriesPoints, 'labels'>): Omit<SeriesPoints, 'labels'> {
  const places = Array.from(times.keys()).toSorted(
    (one, other) => (times[one] ?? 0) - (times[other] ?? 0) || one - other,
  );
  const kept = places.filter((place, at) => times[places[at + 1] ?? -1] !== times[place]);
  const pick = (from: Float64Array) => Float64Array.from(kept, (place) => from[place] ?? NaN);
  return {
    times: pick(times),
    values: pick(values),
    counts: counts === undefined ? undefined : pick(counts),
  };
}
