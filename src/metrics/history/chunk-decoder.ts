/** Reads chunks. Whatever the bytes are, it answers or throws `data_loss`, in bounded space. */
import { crc32 } from 'node:zlib';
import { decodeBlocks } from './block-codec.ts';
import { ByteReader, damagedError } from './byte-reader.ts';
import { CHUNK_VERSION, MOST_CHUNK_SAMPLES } from './chunk-encoder.ts';

const CHECKSUM_BYTES = 4;
const MOST_COLUMNS = 8;
const MOST_SCALE = 12;

export interface ChunkHeader {
  readonly count: number;
  /** What a sample means is `sample / 10 ** scale`. */
  readonly scale: number;
  readonly columns: number;
}

export interface DecodedChunk extends ChunkHeader {
  /** Chunks of the same ticks share it: not to be written to. */
  readonly times: Float64Array;
  /** Whole numbers at the scale; NaN where the series ended. */
  readonly values: readonly Float64Array[];
}

/** Without the checksum being looked at: for an estimate. */
export function readChunkHeader(bytes: Uint8Array): ChunkHeader {
  return readHeader(new ByteReader(bytes));
}

export function decodeChunk(chunk: Uint8Array): DecodedChunk {
  if (chunk.length < CHECKSUM_BYTES) throw damagedError('they end too early');
  const bytes = chunk.subarray(0, -CHECKSUM_BYTES);
  if (crc32(bytes) !== new ByteReader(chunk, bytes.length).u32()) {
    throw damagedError('the checksum of a chunk does not fit');
  }
  const reader = new ByteReader(bytes);
  const header = readHeader(reader);
  const values = Array.from({ length: header.columns }, () => new Float64Array(header.count));
  let times: Float64Array = new Float64Array(0);
  if (header.count > 0) {
    times = readTimes(reader, header.count);
    const gaps = readGaps(reader, header.count);
    for (const column of values) {
      decodeBlocks(bytes, reader, column);
      for (const place of gaps) column[place] = NaN;
    }
  }
  if (reader.remaining > 0) throw damagedError('there is something after the end of a chunk');
  return { ...header, times, values };
}

function readHeader(reader: ByteReader): ChunkHeader {
  const version = reader.u8();
  if (version !== CHUNK_VERSION) throw damagedError(`there is no version ${version} of chunks`);
  const count = reader.count(MOST_CHUNK_SAMPLES, 'samples');
  const scale = reader.u8();
  if (scale > MOST_SCALE) throw damagedError(`there is no scale ${scale}`);
  const columns = reader.u8();
  if (columns === 0 || columns > MOST_COLUMNS) throw damagedError(`${columns} columns`);
  return { count, scale, columns };
}

interface Ticks {
  readonly firstMs: number;
  readonly distance: number;
  readonly times: Float64Array;
}

/** Neighbours in a pack nearly always have the same ticks, so those of the last one are kept. */
let lastTicks: Ticks = { firstMs: NaN, distance: NaN, times: new Float64Array(0) };

function readTimes(reader: ByteReader, count: number): Float64Array {
  const firstMs = reader.varint();
  const runs = reader.count(count, 'runs');
  if (runs === 1) return readTicks(reader, firstMs, count);
  const times = new Float64Array(count);
  let atMs = firstMs;
  let filled = 1;
  let distance = 0;
  times[0] = atMs;
  for (let run = 0; run < runs; run += 1) {
    distance += reader.signed();
    if (!(distance > 0)) throw damagedError('the time does not go on');
    const repetitions = reader.count(count - filled, 'instants');
    for (const end = filled + repetitions; filled < end; filled += 1) {
      atMs += distance;
      times[filled] = atMs;
    }
  }
  if (filled !== count) throw damagedError('instants are missing');
  if (!Number.isSafeInteger(atMs)) throw damagedError('the time is out of all bounds');
  return times;
}

/** All at one distance. */
function readTicks(reader: ByteReader, firstMs: number, count: number): Float64Array {
  const distance = reader.signed();
  const repetitions = reader.count(count - 1, 'instants');
  if (!(distance > 0)) throw damagedError('the time does not go on');
  if (repetitions !== count - 1) throw damagedError('instants are missing');
  if (!Number.isSafeInteger(firstMs + repetitions * distance)) {
    throw damagedError('the time is out of all bounds');
  }
  const last = lastTicks;
  if (last.firstMs === firstMs && last.distance === distance && last.times.length === count) {
    return last.times;
  }
  const times = new Float64Array(count);
  for (let at = 0; at < count; at += 1) times[at] = firstMs + at * distance;
  lastTicks = { firstMs, distance, times };
  return times;
}

function readGaps(reader: ByteReader, count: number): number[] {
  const gaps: number[] = [];
  let place = 0;
  for (let left = reader.count(count, 'gaps'); left > 0; left -= 1) {
    place += reader.count(count - 1 - place, 'places');
    gaps.push(place);
  }
  return gaps;
}
