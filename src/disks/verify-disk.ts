/** Reads an image back and says whether it holds what was received. */
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { DiskDigests } from './disk-digests.ts';
import type { DiskReader } from './disk-reader.ts';
import { LentBuffers } from './lent-buffers.ts';

const REPORT_EVERY_MS = SECOND_MS / 4;

export interface VerifyDiskOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How far into the disk. */
  readonly onProgress?: (doneBytes: number) => void;
}

/** Throws `data_loss` when they differ. */
export async function verifyDisk(
  reader: DiskReader,
  received: DiskDigests,
  { clock, signal, onProgress }: VerifyDiskOptions,
): Promise<void> {
  const { capacityBytes } = reader;
  if (capacityBytes !== received.capacityBytes) {
    throw differs(`it has ${capacityBytes} bytes instead of ${received.capacityBytes}`);
  }
  const found = new DiskDigests(capacityBytes);
  let reportedMs = clock.monotonicMs();
  const buffers = new LentBuffers();
  for await (const { offset, data } of reader.chunks({ buffers, signal })) {
    signal.throwIfAborted();
    found.add(offset, data);
    buffers.giveBack(data);
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
