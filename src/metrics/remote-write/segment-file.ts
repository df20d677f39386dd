/**
 * The files of the queue. They are only ever appended to, and each can be read by itself:
 *
 *   segment = "DRQ1", record…, [footer]         record = length, CRC-32 of the payload, payload
 *
 * The footer is the record of a segment that was closed in order; it sums the segment up, so that
 * nobody need read it whole to know. What a killed process left has none, and perhaps a torn
 * record at its end.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { ByteWriter } from '#metrics/byte-writer.ts';
import { TickDecoder, type SeriesDefinition } from './tick-record.ts';

export const MAGIC = Buffer.from('DRQ1');
/** Length and checksum before each payload. */
export const FRAME_BYTES = 8;

const FOOTER_KIND = 2;
const FOOTER_PAYLOAD_BYTES = 29;
const FOOTER_BYTES = FRAME_BYTES + FOOTER_PAYLOAD_BYTES;
const LARGEST_RECORD_BYTES = 64 * 1024 * 1024;

export interface SegmentSummary {
  /** Up to the end of the last record, the footer not counted. */
  readonly bytes: number;
  readonly ticks: number;
  readonly samples: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

export interface SegmentScan extends SegmentSummary {
  /** Bytes after the last good record: 0, or the torn end of a process that was killed. */
  readonly tornBytes: number;
  /** A whole record that is not what was written: a disk's fault, not a kill. */
  readonly isCorrupt: boolean;
  /** The series present in the last record. */
  readonly present: readonly SeriesDefinition[];
}

/** Makes room for the frame before a payload; answers where the payload begins. */
export function beginRecord(out: ByteWriter): number {
  return out.skip(FRAME_BYTES) + FRAME_BYTES;
}

export function endRecord(out: ByteWriter, payloadAt: number): void {
  const payload = out.view().subarray(payloadAt);
  out.setUint32Le(payloadAt - FRAME_BYTES, payload.length);
  out.setUint32Le(payloadAt - 4, crc32(payload));
}

export type ReadRecord =
  | { readonly kind: 'record'; readonly payload: Buffer; readonly end: number }
  /** No more, or a record that is only there in part. */
  | { readonly kind: 'end' }
  | { readonly kind: 'corrupt' };

/** The record at an offset of the bytes. */
export function readRecord(bytes: Buffer, offset: number): ReadRecord {
  const start = offset + FRAME_BYTES;
  if (start > bytes.length) return { kind: 'end' };
  const length = bytes.readUInt32LE(offset);
  if (length === 0 || length > LARGEST_RECORD_BYTES) return { kind: 'corrupt' };
  const end = start + length;
  if (end > bytes.length) return { kind: 'end' };
  const payload = bytes.subarray(start, end);
  if (crc32(payload) !== bytes.readUInt32LE(offset + 4)) return { kind: 'corrupt' };
  return { kind: 'record', payload, end };
}

export function encodeFooter(summary: SegmentSummary): Buffer {
  const footer = Buffer.alloc(FOOTER_BYTES);
  footer.writeUInt32LE(FOOTER_PAYLOAD_BYTES, 0);
  footer.writeUInt8(FOOTER_KIND, FRAME_BYTES);
  footer.writeUInt32LE(summary.ticks, FRAME_BYTES + 1);
  footer.writeDoubleLE(summary.samples, FRAME_BYTES + 5);
  footer.writeDoubleLE(summary.firstAtMs, FRAME_BYTES + 13);
  footer.writeDoubleLE(summary.lastAtMs, FRAME_BYTES + 21);
  footer.writeUInt32LE(crc32(footer.subarray(FRAME_BYTES)), 4);
  return footer;
}

/** What the footer says; undefined when there is none. */
export function readFooter(path: string): SegmentSummary | undefined {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const at = size - FOOTER_BYTES;
    if (at < MAGIC.length) return undefined;
    const footer = Buffer.alloc(FOOTER_BYTES);
    readSync(file, footer, 0, FOOTER_BYTES, at);
    const record = readRecord(footer, 0);
    if (record.kind !== 'record' || record.payload.length !== FOOTER_PAYLOAD_BYTES) {
      return undefined;
    }
    if (record.payload.readUInt8(0) !== FOOTER_KIND) return undefined;
    return {
      bytes: at,
      ticks: record.payload.readUInt32LE(1),
      samples: record.payload.readDoubleLE(5),
      firstAtMs: record.payload.readDoubleLE(13),
      lastAtMs: record.payload.readDoubleLE(21),
    };
  } finally {
    closeSync(file);
  }
}

/** Reads a segment whole. */
export function scanSegment(path: string): SegmentScan {
  const bytes = readWhole(path);
  const decoder = new TickDecoder();
  const hasMagic = bytes.subarray(0, MAGIC.length).equals(MAGIC);
  let offset = hasMagic ? MAGIC.length : bytes.length;
  const sum = { ticks: 0, samples: 0, firstAtMs: 0, lastAtMs: 0 };
  let isCorrupt = bytes.length >= MAGIC.length && !hasMagic;
  while (!isCorrupt) {
    const record = readRecord(bytes, offset);
    if (record.kind === 'corrupt') isCorrupt = true;
    if (record.kind !== 'record' || isFooter(record.payload)) break;
    try {
      const { atMs, samples } = decoder.decode(record.payload);
      if (sum.ticks === 0) sum.firstAtMs = atMs;
      sum.lastAtMs = atMs;
      sum.ticks += 1;
      sum.samples += samples;
      offset = record.end;
    } catch {
      // The checksum is right and the content is not: no version of ours wrote it.
      isCorrupt = true;
    }
  }
  const footerBytes = readFooter(path) === undefined ? 0 : FOOTER_BYTES;
  const tornBytes = bytes.length - offset - footerBytes;
  return { ...sum, bytes: offset, tornBytes, isCorrupt, present: decoder.present() };
}

function isFooter(payload: Buffer): boolean {
  return payload[0] === FOOTER_KIND;
}

/** Cuts off what is torn and sums the segment up, so that it never has to be scanned again. */
export function closeScanned(path: string, summary: SegmentSummary): void {
  const file = openSync(path, 'r+');
  try {
    ftruncateSync(file, summary.bytes);
    writeSync(file, encodeFooter(summary), 0, FOOTER_BYTES, summary.bytes);
  } finally {
    closeSync(file);
  }
}

function readWhole(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(fstatSync(file).size);
    let read = 0;
    while (read < bytes.length) {
      const got = readSync(file, bytes, read, bytes.length - read, read);
      if (got === 0) break;
      read += got;
    }
    return bytes.subarray(0, read);
  } finally {
    closeSync(file);
  }
}
