/**
 * The program that `migrate-stream` and `migrate-resume` run: `node migrate-disk.ts REQUEST`, where
 * REQUEST is a file with a CopyRequest as JSON. It does what a job has done in a thread: it copies
 * the disk, or goes on with a copy, then reads the image back and checks it.
 */
import { readFile } from 'node:fs/promises';
import { copyDiskTask, verifyDiskTask } from '#backends/disk-copier/copy-task.ts';
import { removeCopyState } from '#backends/disk-copier/copy-state.ts';
import type { CopyRequest } from '#transfers/disk-copier.ts';

const [requestPath] = process.argv.slice(2);
if (requestPath === undefined) throw new Error('which disk, and where to?');

const stored = JSON.parse(await readFile(requestPath, 'utf8')) as CopyRequest;
// Without a limit.
const request = { ...stored, pace: new SharedArrayBuffer(8) };
const context = {
  signal: new AbortController().signal,
  progress: () => undefined,
  transfer: <T>(value: T) => value,
};
const { journalBytes } = await copyDiskTask(request, context);
const { path, format, capacityBytes } = request;
await verifyDiskTask({ path, format, capacityBytes, journalBytes }, context);
await removeCopyState(path);
