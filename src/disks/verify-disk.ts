/** Reads an image back and says whether it holds what was received. */
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { DIGEST_BLOCK_BYTES, DiskDigests } from './disk-digests.ts';
import type { DiskChunk, DiskReader } from './disk-reader.ts';
import { inOrder } from './stream/ordered-window.ts';
import { DiskWork } from './work/disk-work.ts';

const REPORT_EVERY_MS = SECOND_MS / 4;
const HASHED_AHEAD = 4;

export interface VerifyDiskOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Absent: all is done by this thread alone. */
  readonly work?: DiskWork;
  /** How far into the disk. */
  readonly onProgress?: (doneBytes: number) => void;
}

/** Throws `data_loss` when they differ. */
export async function verifyDisk(
  reader: DiskReader,
  received: DiskDigests,
  { clock, signal, work = DiskWork.alone(), onProgress }: VerifyDiskOptions,
): Promise<void> {
  const { capacityBytes } = reader;
  if (capacityBytes !== received.capacityBytes) {
    throw differs(`it has ${capacityBytes} bytes instead of ${received.capacityBytes}`);
  }
  const found = new DiskDigests(capacityBytes);
  let reportedMs = clock.monotonicMs();
  const hash = async ({ offset, data }: DiskChunk) => {
    const blocks = found.wholeBlocks(offset, data);
    return {
      offset,
      data,
      hashes: await work.hash({ data: blocks, blockBytes: DIGEST_BLOCK_BYTES }),
    };
  };
  for await (const chunk of inOrder(reader.chunks({ work, signal }), hash, HASHED_AHEAD)) {
    signal.throwIfAborted();
    const { offset, data, hashes } = chunk;
    found.add(offset, data, hashes);
    work.giveBack(data);
    if (clock.monotonicMs() - reportedMs < REPORT_EVERY_MS) continue;
    reportedMs = clock.monotonicMs();
    onProgress?.(offset + data.byteLength);
  }
  found.close();
  const range = found.findDifference(received);
  if (range !== undefined) {
    throw differs(`between ${range.offset} and ${range.offset + range.length}`);
  }
  onProgress?.(capacityBytes);
}

function differs(how: string): DroverError {
  return new DroverError('data_loss', `the image does not hold what was received: ${how}`, {
    reason: 'DISK_IMAGE_DIFFERS',
  });
}
