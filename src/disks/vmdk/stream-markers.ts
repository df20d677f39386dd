/** What stands between the grains of a stream: a sector that says what comes next. */
import type { ByteSplitter } from '#disks/stream/byte-splitter.ts';
import { damagedImage } from '#disks/image-errors.ts';
import { SECTOR_BYTES } from './sparse-header.ts';

/** The place (8 bytes) and the length (4 bytes); the data of a grain follows at once. */
export const GRAIN_MARKER_BYTES = 12;
const KIND_BYTES = 4;
const METADATA = ['end', 'table', 'directory', 'footer'] as const;

export type Marker = GrainMarker | MetadataMarker;

export interface GrainMarker {
  readonly kind: 'grain';
  readonly diskOffset: number;
  /** Of what follows, compressed; up to the next sector comes padding. */
  readonly dataBytes: number;
}

export interface MetadataMarker {
  readonly kind: (typeof METADATA)[number];
  /** Of what follows, whole sectors. */
  readonly bytes: number;
}

/** The sector of metadata is taken whole, and of a grain only what comes before its data. */
export async function takeMarker(splitter: ByteSplitter): Promise<Marker> {
  const position = splitter.position;
  const bytes =
    splitter.takeNow(GRAIN_MARKER_BYTES) ?? (await splitter.take(GRAIN_MARKER_BYTES, 'a marker'));
  const grain = parseGrainMarker(bytes);
  if (grain.dataBytes !== 0) return grain;
  const kind = METADATA[toView(await splitter.take(KIND_BYTES, 'a marker')).getUint32(0, true)];
  if (kind === undefined) throw damagedImage(`no known marker at byte ${position} of the stream`);
  await splitter.skip(SECTOR_BYTES - GRAIN_MARKER_BYTES - KIND_BYTES, 'a marker');
  return { kind, bytes: grain.diskOffset };
}

export function parseGrainMarker(bytes: Uint8Array): GrainMarker {
  const view = toView(bytes);
  // Too large a number loses its last bits here; it is past the end of any disk all the same.
  const sectors = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  return {
    kind: 'grain',
    diskOffset: sectors * SECTOR_BYTES,
    dataBytes: view.getUint32(8, true),
  };
}

function toView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** How many bytes of padding follow a grain. */
export function paddingAfter(grain: GrainMarker): number {
  const used = (GRAIN_MARKER_BYTES + grain.dataBytes) % SECTOR_BYTES;
  return used === 0 ? 0 : SECTOR_BYTES - used;
}
