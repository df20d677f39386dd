/**
 * One tick as a record of a segment. A segment is read by itself, from its beginning:
 *
 *   record = kind, instant, samples, new series, a token for every series known so far
 *   series = name, scale, labels          gets the next number: 0, 1, 2…
 *   token  = 0, n      the next n series are as in the record before (absent, to begin with)
 *          | 1         the series turned absent: one stale marker is due
 *          | 2, double the value itself, where the difference would not be exact
 *          | 3 + d     the value differs by d (zigzag) from the last one the series had (or 0)
 *
 * Most series do not change from one second to the next, so most of a record is runs.
 */
import { createLabels, seriesKey, type Labels } from '#metrics/labels.ts';
import type { LiveSeries, SampleTable } from '#metrics/sample-table.ts';
import type { ByteWriter } from '#metrics/byte-writer.ts';
import { ByteReader } from './byte-reader.ts';

const TICK_KIND = 1;

const SAME = 0;
const TURNED_ABSENT = 1;
const ABSOLUTE = 2;
const DIFFERENCE = 3;
const LARGEST_DIFFERENCE = 2 ** 50;
/** So many series that are gone may be in a segment's list beside as many again as there are. */
const SPARE_SERIES = 1000;

const ABSENT = 0;
const PRESENT = 1;
/** Present at the end of the segment before: absence is news, but there is no value to repeat. */
const WAS_PRESENT = 2;

/** Stands among a tick's values for the series that turned absent in it. */
export const STALE = Infinity;

export interface SeriesDefinition {
  readonly name: string;
  readonly labels: Labels;
  readonly scale: number;
}

export interface TickHead {
  readonly atMs: number;
  readonly samples: number;
}

export interface StoredTick extends TickHead {
  /** By the series' number: a sample at its scale, NaN when absent, STALE when just gone. */
  readonly values: Float64Array;
}

/** Turns the table of each tick into a record; keeps what the record before said. */
export class TickEncoder {
  #numbers = new Map<string, number>();
  #definitions: SeriesDefinition[] = [];
  #live: (LiveSeries | undefined)[] = [];
  #bases = new Float64Array(1024);
  #states = new Uint8Array(1024);
  #defined = 0;
  #membership = -1;
  /** What the last record said is gone. */
  #gone: number[] = [];

  /** `carried` were present when the last segment ended, and are looked for in the next record. */
  constructor(carried: readonly SeriesDefinition[] = []) {
    const keyOf = ({ name, labels }: SeriesDefinition) => seriesKey(name, labels);
    this.#carry(carried.map((definition) => [keyOf(definition), definition]));
  }

  /** The next record can be read without those before. */
  startSegment(): void {
    const present: [string, SeriesDefinition][] = [];
    for (const [key, number] of this.#numbers) {
      const definition = this.#definitions[number];
      const isPresent = this.#states[number] !== ABSENT;
      if (isPresent && definition !== undefined) present.push([key, definition]);
    }
    this.#carry(present);
  }

  /** The last record could not be kept: a new segment begins, and says again what is gone. */
  takeBack(): void {
    for (const number of this.#gone) this.#states[number] = WAS_PRESENT;
    this.startSegment();
  }

  /** Whether series that are long gone make a new segment worth its while. */
  get isCluttered(): boolean {
    if (this.#definitions.length <= SPARE_SERIES) return false;
    const live = this.#live.reduce((count, series) => count + (series === undefined ? 0 : 1), 0);
    return this.#definitions.length > 2 * live + SPARE_SERIES;
  }

  /** Writes the record; answers how many samples it holds. */
  encode(atMs: number, table: SampleTable, out: ByteWriter): number {
    if (table.membership !== this.#membership) this.#list(table);
    out.u8(TICK_KIND);
    out.varint(atMs);
    const samples = this.#countSamples();
    out.varint(samples);
    out.varint(this.#definitions.length - this.#defined);
    for (; this.#defined < this.#definitions.length; this.#defined += 1) {
      const definition = this.#definitions[this.#defined];
      if (definition !== undefined) writeDefinition(definition, out);
    }
    this.#writeTokens(out);
    return samples;
  }

  #writeTokens(out: ByteWriter): void {
    let same = 0;
    this.#gone = [];
    for (let number = 0; number < this.#live.length; number += 1) {
      const value = this.#live[number]?.value ?? NaN;
      const isAbsent = Number.isNaN(value);
      const state = this.#states[number];
      const base = this.#bases[number] ?? 0;
      if (isAbsent ? state === ABSENT : state === PRESENT && value === base) {
        same += 1;
        continue;
      }
      if (same > 0) writeRun(same, out);
      same = 0;
      this.#states[number] = isAbsent ? ABSENT : PRESENT;
      if (isAbsent) {
        this.#gone.push(number);
        out.u8(TURNED_ABSENT);
        continue;
      }
      this.#bases[number] = value;
      writeValue(value, base, out);
    }
    if (same > 0) writeRun(same, out);
  }

  #countSamples(): number {
    let samples = 0;
    for (let number = 0; number < this.#live.length; number += 1) {
      const isPresent = !Number.isNaN(this.#live[number]?.value ?? NaN);
      if (isPresent || this.#states[number] !== ABSENT) samples += 1;
    }
    return samples;
  }

  #list(table: SampleTable): void {
    this.#membership = table.membership;
    this.#live.fill(undefined);
    for (const { members } of table.families()) {
      for (const series of members.values()) {
        const { name, scale } = series.family;
        const number = this.#number(series.key, { name, labels: series.labels, scale });
        this.#live[number] = series;
      }
    }
  }

  #carry(carried: readonly (readonly [string, SeriesDefinition])[]): void {
    this.#gone = [];
    this.#numbers = new Map();
    this.#definitions = [];
    this.#live = [];
    this.#defined = 0;
    this.#membership = -1;
    this.#bases.fill(0);
    this.#states.fill(ABSENT);
    for (const [key, definition] of carried) {
      const number = this.#number(key, definition);
      this.#states[number] = WAS_PRESENT;
    }
  }

  #number(key: string, definition: SeriesDefinition): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#definitions.push(definition) - 1;
    this.#numbers.set(key, number);
    this.#live.push(undefined);
    if (number >= this.#bases.length) {
      this.#bases = grow(this.#bases, new Float64Array(2 * number));
      this.#states = grow(this.#states, new Uint8Array(2 * number));
    }
    return number;
  }
}

/** Reads the records of one segment in their order. */
export class TickDecoder {
  readonly definitions: SeriesDefinition[] = [];
  #bases = new Float64Array(1024);
  #states = new Uint8Array(1024);

  /** Throws a RangeError on a record that no encoder wrote. */
  decode(payload: Buffer): StoredTick {
    const reader = new ByteReader(payload);
    const head = readHead(reader);
    for (let count = reader.varint(); count > 0; count -= 1) this.#define(readDefinition(reader));
    const values = new Float64Array(this.definitions.length).fill(NaN);
    for (let number = 0; number < values.length;) {
      const token = reader.varint();
      if (token === SAME) {
        const end = number + reader.varint();
        if (end === number || end > values.length) throw new RangeError('a run of a wrong length');
        for (; number < end; number += 1) {
          if (this.#states[number] === PRESENT) values[number] = this.#bases[number] ?? NaN;
        }
        continue;
      }
      values[number] = this.#take(number, token, reader);
      number += 1;
    }
    if (!reader.isAtEnd) throw new RangeError('the record goes on after its end');
    return { ...head, values };
  }

  /** The series that had a value in the last record. */
  present(): SeriesDefinition[] {
    return this.definitions.filter((_, number) => this.#states[number] === PRESENT);
  }

  #take(number: number, token: number, reader: ByteReader): number {
    if (token === TURNED_ABSENT) {
      this.#states[number] = ABSENT;
      return STALE;
    }
    const base = this.#bases[number] ?? 0;
    const value = token === ABSOLUTE ? reader.float64() : base + unzigzag(token - DIFFERENCE);
    if (!Number.isSafeInteger(value)) throw new RangeError('a sample that is no whole number');
    this.#bases[number] = value;
    this.#states[number] = PRESENT;
    return value;
  }

  #define(definition: SeriesDefinition): void {
    const number = this.definitions.push(definition) - 1;
    if (number < this.#bases.length) return;
    this.#bases = grow(this.#bases, new Float64Array(2 * number));
    this.#states = grow(this.#states, new Uint8Array(2 * number));
  }
}

/** When a record is of, and how much it holds, without reading all of it. */
export function readTickHead(payload: Buffer): TickHead {
  return readHead(new ByteReader(payload));
}

function readHead(reader: ByteReader): TickHead {
  if (reader.byte() !== TICK_KIND) throw new RangeError('a record of an unknown kind');
  return { atMs: reader.varint(), samples: reader.varint() };
}

function writeDefinition({ name, labels, scale }: SeriesDefinition, out: ByteWriter): void {
  const pairs = Object.entries(labels);
  out.text(name);
  out.varint(scale);
  out.varint(pairs.length);
  for (const [label, value] of pairs) {
    out.text(label);
    out.text(value);
  }
}

function readDefinition(reader: ByteReader): SeriesDefinition {
  const name = reader.text();
  const scale = reader.varint();
  const pairs: [string, string][] = [];
  for (let count = reader.varint(); count > 0; count -= 1) {
    pairs.push([reader.text(), reader.text()]);
  }
  return { name, labels: createLabels(pairs), scale };
}

function writeRun(length: number, out: ByteWriter): void {
  out.u8(SAME);
  out.varint(length);
}

function writeValue(value: number, base: number, out: ByteWriter): void {
  const difference = value - base;
  if (Math.abs(difference) > LARGEST_DIFFERENCE) {
    out.u8(ABSOLUTE);
    out.float64Le(value);
    return;
  }
  out.varint(DIFFERENCE + (difference >= 0 ? 2 * difference : -2 * difference - 1));
}

function unzigzag(coded: number): number {
  return coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2;
}

function grow<T extends Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
