/**
 * Chunks of neighbouring series, put together so that an hour of a host is a handful of rows.
 *
 *   pack      = version, number of chunks, directory, CRC-32 of all before it, chunks
 *   directory = for each chunk: series (distance from the one before), length
 *
 * Each chunk has a checksum of its own: damage costs that chunk, and only damage to the directory
 * costs the pack.
 */
import { crc32 } from 'node:zlib';
import { ByteReader, damagedError } from './byte-reader.ts';
import { ByteWriter } from '#metrics/byte-writer.ts';

const PACK_VERSION = 1;

export interface PackedChunk {
  readonly seriesId: number;
  readonly bytes: Uint8Array;
}

/** In the order of their series. */
export function packChunks(chunks: readonly PackedChunk[]): Uint8Array {
  const out = new ByteWriter(1024);
  out.u8(PACK_VERSION);
  out.varint(chunks.length);
  let before = 0;
  for (const { seriesId, bytes } of chunks) {
    out.varint(seriesId - before);
    out.varint(bytes.length);
    before = seriesId;
  }
  out.u32(crc32(out.view()));
  for (const { bytes } of chunks) out.raw(bytes);
  return out.copy();
}

/** One that is cut off at the end of the pack comes as short as it is. */
export function unpackChunks(pack: Uint8Array): PackedChunk[] {
  const reader = new ByteReader(pack);
  const version = reader.u8();
  if (version !== PACK_VERSION) throw damagedError(`there is no version ${version} of packs`);
  const count = reader.count(pack.length, 'chunks');
  const entries: { readonly seriesId: number; readonly length: number }[] = [];
  let seriesId = 0;
  for (let at = 0; at < count; at += 1) {
    seriesId += reader.varint();
    entries.push({ seriesId, length: reader.count(pack.length, 'bytes') });
  }
  const directory = pack.subarray(0, reader.position);
  if (reader.u32() !== crc32(directory)) {
    throw damagedError('the checksum of a directory of chunks does not fit');
  }
  let start = reader.position;
  return entries.map((entry) => {
    const bytes = pack.subarray(start, start + entry.length);
    start += entry.length;
    return { seriesId: entry.seriesId, bytes };
  });
}
