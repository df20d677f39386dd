/**
 * What stands in the write-ahead log.
 *
 *   file    = frame…                      the first one holds a header
 *   frame   = length, CRC-32, record      four bytes each, then the record
 *   record  = header | series | layout | row
 *   header  = which history, which file, whether everything before it is a cut of its own
 *   series  = number, first seen, kind, help, name, labels
 *   layout  = number, (series, scale)…    which series the values of its rows belong to
 *   row     = layout, instant, token…     one tick
 *   token   = 2n: n series are as they were | 2z+1: changed by z, zigzag | 1: eight bytes, anew
 *
 * A series is absent (NaN) at the start of each file, and "as it was" for one that is absent means
 * that it still is. So a file can be read without those before it, given the series that the store
 * knows.
 */
import { crc32 } from 'node:zlib';
import { createLabels, type Labels } from '#metrics/labels.ts';
import type { MetricKind } from '#metrics/metric-family.ts';
import { ByteReader, damagedError } from './byte-reader.ts';
import type { ByteWriter } from '#metrics/byte-writer.ts';

const WAL_VERSION = 1;
const HEADER = 1;
const SERIES = 2;
const LAYOUT = 3;
const ROW = 4;

const FRAME_BYTES = 8;
const MOST_RECORD_BYTES = 16 * 1024 * 1024;
const MOST_CHANGE = 2 ** 48;
const KINDS: readonly MetricKind[] = ['counter', 'gauge', 'untyped'];

export interface WalHeader {
  readonly epoch: string;
  readonly file: number;
  /** What the files before this one hold is sealed apart from what this one holds. */
  readonly isCut: boolean;
}

export interface WalSeries {
  readonly id: number;
  readonly createdAt: number;
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
  readonly labels: Labels;
}

export interface LayoutPlace {
  readonly id: number;
  readonly scale: number;
}

/** The value a row's tokens are differences from. */
export interface Logged {
  logged: number;
}

export type WalRecord =
  | ({ readonly kind: 'header' } & WalHeader)
  | { readonly kind: 'series'; readonly series: WalSeries }
  | { readonly kind: 'layout'; readonly layout: number; readonly places: readonly LayoutPlace[] }
  | {
      readonly kind: 'row';
      readonly layout: number;
      readonly atMs: number;
      /** The tokens, for `readRow`. */
      readonly reader: ByteReader;
    };

export function writeHeader(out: ByteWriter, { epoch, file, isCut }: WalHeader): void {
  out.u8(HEADER);
  out.u8(WAL_VERSION);
  out.text(epoch);
  out.varint(file);
  out.u8(isCut ? 1 : 0);
}

export function writeSeries(out: ByteWriter, series: WalSeries): void {
  out.u8(SERIES);
  out.varint(series.id);
  out.varint(series.createdAt);
  out.u8(KINDS.indexOf(series.kind));
  out.text(series.name);
  out.text(series.help);
  const labels = Object.entries(series.labels);
  out.varint(labels.length);
  for (const [name, value] of labels) {
    out.text(name);
    out.text(value);
  }
}

export function writeLayout(out: ByteWriter, layout: number, places: readonly LayoutPlace[]): void {
  out.u8(LAYOUT);
  out.varint(layout);
  out.varint(places.length);
  let before = 0;
  for (const { id, scale } of places) {
    out.signed(id - before);
    out.u8(scale);
    before = id;
  }
}

export interface Row {
  readonly layout: number;
  readonly atMs: number;
  readonly series: readonly Logged[];
  readonly values: Float64Array;
}

/** Moves `logged` of the series on. */
export function writeRow(out: ByteWriter, { layout, atMs, series, values }: Row): void {
  out.u8(ROW);
  out.varint(layout);
  out.varint(atMs);
  let unchanged = 0;
  for (let at = 0; at < series.length; at += 1) {
    const one = series[at];
    const value = values[at];
    if (one === undefined || value === undefined) break;
    const before = one.logged;
    if (value === before || (Number.isNaN(value) && Number.isNaN(before))) {
      unchanged += 1;
      continue;
    }
    if (unchanged > 0) out.varint(unchanged * 2);
    unchanged = 0;
    one.logged = value;
    const change = value - before;
    if (Number.isInteger(change) && change < MOST_CHANGE && change > -MOST_CHANGE) {
      out.varint((change > 0 ? change * 2 : -change * 2 - 1) * 2 + 1);
    } else {
      out.u8(1);
      out.float64(value);
    }
  }
}

/** What `writeRow` was given; moves `logged` on as it did. */
export function readRow(reader: ByteReader, series: readonly Logged[], values: Float64Array): void {
  let unchanged = 0;
  for (let at = 0; at < series.length; at += 1) {
    const one = series[at];
    if (one === undefined) break;
    if (unchanged === 0 && reader.remaining > 0) {
      const token = reader.varint();
      if (token === 0) throw damagedError('a token means nothing');
      if (token % 2 === 0) unchanged = token / 2;
      else one.logged = token === 1 ? reader.float64() : one.logged + fromZigzag((token - 1) / 2);
    } else if (unchanged === 0) {
      unchanged = series.length;
    }
    if (unchanged > 0) unchanged -= 1;
    values[at] = one.logged;
  }
}

function fromZigzag(number: number): number {
  return number % 2 === 0 ? number / 2 : -(number + 1) / 2;
}

export function readRecord(bytes: Uint8Array): WalRecord {
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  if (kind === ROW) {
    return { kind: 'row', layout: reader.varint(), atMs: reader.varint(), reader };
  }
  if (kind === HEADER) return readHeader(reader);
  if (kind === SERIES) return { kind: 'series', series: readSeries(reader) };
  if (kind !== LAYOUT) throw damagedError(`there is no record of kind ${kind}`);
  const layout = reader.varint();
  const places: LayoutPlace[] = [];
  let id = 0;
  for (let left = reader.count(bytes.length, 'series'); left > 0; left -= 1) {
    id += reader.signed();
    places.push({ id, scale: reader.u8() });
  }
  return { kind: 'layout', layout, places };
}

function readHeader(reader: ByteReader): WalRecord {
  const version = reader.u8();
  if (version !== WAL_VERSION) throw damagedError(`there is no version ${version} of logs`);
  return {
    kind: 'header',
    epoch: reader.text(),
    file: reader.varint(),
    isCut: reader.u8() === 1,
  };
}

function readSeries(reader: ByteReader): WalSeries {
  const id = reader.varint();
  const createdAt = reader.varint();
  const kind = KINDS[reader.u8()] ?? 'untyped';
  const name = reader.text();
  const help = reader.text();
  const labels: [string, string][] = [];
  for (let left = reader.count(reader.remaining, 'labels'); left > 0; left -= 1) {
    labels.push([reader.text(), reader.text()]);
  }
  return { id, createdAt, name, kind, help, labels: createLabels(labels) };
}

export function writeFrame(out: ByteWriter, record: Uint8Array): void {
  out.u32(record.length);
  out.u32(crc32(record));
  out.raw(record);
}

export type Frame =
  | { readonly kind: 'record'; readonly bytes: Uint8Array; readonly next: number }
  | { readonly kind: 'end' }
  /** The last write was cut short; nothing that was reported as written is missing. */
  | { readonly kind: 'torn' }
  | { readonly kind: 'damaged' };

export function readFrame(bytes: Uint8Array, at: number): Frame {
  const left = bytes.length - at;
  if (left === 0) return { kind: 'end' };
  if (left < FRAME_BYTES) return { kind: 'torn' };
  const reader = new ByteReader(bytes, at);
  const length = reader.u32();
  const checksum = reader.u32();
  if (length === 0 || length > MOST_RECORD_BYTES) {
    // A file system that lost power may leave zeros where the last write was to be.
    return { kind: isZero(bytes, at) ? 'torn' : 'damaged' };
  }
  if (length > left - FRAME_BYTES) return { kind: 'torn' };
  const record = reader.take(length);
  if (crc32(record) === checksum) return { kind: 'record', bytes: record, next: reader.position };
  return { kind: reader.remaining === 0 || isZero(bytes, reader.position) ? 'torn' : 'damaged' };
}

function isZero(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; at += 1) if (bytes[at] !== 0) return false;
  return true;
}
