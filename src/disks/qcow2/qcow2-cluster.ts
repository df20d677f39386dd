/** Inflates one cluster of a qcow2 image, on a thread of libuv. */
import { createZstdDecompress, inflateRaw } from 'node:zlib';
import { damagedImage } from '#disks/image-errors.ts';
import type { Qcow2Compression } from './qcow2-header.ts';

export interface ClusterToInflate {
  readonly clusterBytes: number;
  readonly compression: Qcow2Compression;
  /** On the disk: for the message when it fails. */
  readonly offset: number;
}

/** `packed` may be longer than what belongs to the cluster: only whole sectors are counted. */
export async function inflateCluster(
  packed: Uint8Array,
  { clusterBytes, compression, offset }: ClusterToInflate,
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const onEnd = (error: Error | null, bytes: Uint8Array) => {
    if (error === null && bytes.byteLength === clusterBytes) resolve(bytes);
    else reject(damagedImage(`the cluster at byte ${offset} of the disk does not inflate`, error));
  };
  switch (compression) {
    case 'zlib':
      // It stops where the stream ends, whatever follows.
      inflateRaw(packed, { maxOutputLength: clusterBytes, chunkSize: clusterBytes + 512 }, onEnd);
      break;
    case 'zstd':
      unpackZstd(packed, clusterBytes, onEnd);
      break;
  }
  return promise;
}

/** What follows the frame is the next cluster's, and would be unpacked too if it was let. */
function unpackZstd(
  packed: Uint8Array,
  clusterBytes: number,
  onEnd: (error: Error | null, bytes: Uint8Array) => void,
): void {
  const stream = createZstdDecompress({ chunkSize: clusterBytes });
  const parts: Uint8Array[] = [];
  let length = 0;
  stream.on('data', (part: Uint8Array) => {
    parts.push(part);
    length += part.byteLength;
    if (length < clusterBytes) return;
    stream.destroy();
    onEnd(null, parts.length === 1 ? part : Buffer.concat(parts));
  });
  stream.on('end', () => onEnd(null, Buffer.concat(parts)));
  stream.on('error', (error) => onEnd(error, new Uint8Array(0)));
  stream.end(packed);
}
