/**
 * The program whose time `disk-convert` takes: `node convert-disk.ts FROM TO`. It copies as a job
 * does, with digests of all that it reads, and prints nothing.
 */
import { copyDisk } from '#disks/copy-disk.ts';
import { DiskDigests } from '#disks/disk-digests.ts';
import { openDiskImage } from '#disks/open-disk-image.ts';
import { openDiskWriter } from '#disks/open-disk-writer.ts';
import { DiskWork } from '#disks/work/disk-work.ts';
import { systemClock } from '#kernel/clock.ts';

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) throw new Error('which image, and where to?');

const { signal } = new AbortController();
await using reader = await openDiskImage(from, { signal });
const { capacityBytes } = reader;
await using work = new DiskWork();
const image = { path: to, format: 'qcow2', capacityBytes } as const;
await using writer = await openDiskWriter(image, (data) => work.giveBack(data));
const digests = new DiskDigests(capacityBytes);
await copyDisk({ reader, writer, digests, clock: systemClock, signal, work });
