/**
 * Copies one disk, and checks one, each as a task of a thread. A copy that broke off goes on from
 * its last mark when the source can be asked for the rest, is still in the same state, and what
 * lies here is what the mark says; in all other cases it begins anew.
 */
import { copyDisk } from '#disks/copy-disk.ts';
import { DigestJournal } from '#disks/digest-journal.ts';
import type { DiskReader } from '#disks/disk-reader.ts';
import type { DiskWriter } from '#disks/disk-writer.ts';
import { openFileRangeSource } from '#disks/file-range-source.ts';
import { hashFile } from '#disks/hash-file.ts';
import type { LetGo } from '#disks/image-file.ts';
import { openDiskWriter } from '#disks/open-disk-writer.ts';
import { openQcow2Reader } from '#disks/qcow2/qcow2-reader.ts';
import { createRawReader } from '#disks/raw/raw-reader.ts';
import { SharedPace } from '#disks/shared-pace.ts';
import { verifyDisk } from '#disks/verify-disk.ts';
import { DiskWork } from '#disks/work/disk-work.ts';
import { systemClock } from '#kernel/clock.ts';
import { isErrorKind } from '#kernel/errors.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import type {
  CopyOutcome,
  CopyRequest,
  HashRequest,
  VerifyOutcome,
  VerifyRequest,
} from '#transfers/disk-copier.ts';
import type { DiskFeed } from '#transfers/disk-feed.ts';
import type { TaskContext } from '#workers/wire/task-context.ts';
import {
  digestsPath,
  isThere,
  readCopyState,
  writeCopyState,
  type CopyState,
} from './copy-state.ts';
import { openFeed } from './open-feed.ts';
import { openFileFeed } from './open-file-feed.ts';

const COMPRESSION_LEVEL = 1;
const LEAST_BETWEEN_MARKS = 2 * MIB;
const MOST_BETWEEN_MARKS = 64 * MIB;
const HASHED_EVERY_MS = SECOND_MS / 4;

export async function copyDiskTask(input: unknown, context: TaskContext): Promise<CopyOutcome> {
  const request = input as CopyRequest;
  const { feed, path, capacityBytes } = request;
  const { signal } = context;
  const limiter = new SharedPace(systemClock, request.pace);
  await using work = new DiskWork();
  await using opened = await openFeed(feed, { capacityBytes, clock: systemClock, limiter, signal });
  const { sourceState } = opened;
  const copy = await openCopy(request, sourceState, (data) => work.giveBack(data));
  await using writer = copy.writer;
  await using journal = copy.journal;
  // At once: what an earlier attempt did is not to look as if it were lost.
  if (copy.fromOffset > 0) context.progress({ doneBytes: copy.fromOffset, receivedBytes: 0 });
  const describe = (mark: CopyState['mark']): CopyState => ({
    ...{ version: 1, owner: request.owner, sourceState, capacityBytes, mark },
    ...{ format: request.format, isCompressed: request.isCompressed },
  });
  await copyDisk({
    ...{
      reader: opened.reader,
      writer,
      digests: journal.digests,
      clock: systemClock,
      signal,
      work,
    },
    ...{ fromOffset: copy.fromOffset, ...(opened.limiter && { limiter: opened.limiter }) },
    ...(request.isResumable && {
      marks: {
        journal,
        everyBytes: markEvery(capacityBytes),
        onMark: (mark) => writeCopyState(path, describe(mark)),
      },
    }),
    onProgress: ({ doneBytes }) =>
      context.progress({ doneBytes, receivedBytes: opened.receivedBytes() }),
  });
  return {
    receivedBytes: opened.receivedBytes(),
    writtenBytes: writer.writtenBytes,
    resumedFromByte: copy.fromOffset,
    // All is saved already where there were marks.
    journalBytes: await journal.save(),
  };
}

/** What is lost by a crash is less than a hundredth of the disk, and less than a second's work. */
function markEvery(capacityBytes: number): number {
  return Math.min(MOST_BETWEEN_MARKS, Math.max(LEAST_BETWEEN_MARKS, capacityBytes / 256));
}

interface OpenCopy {
  readonly writer: DiskWriter;
  readonly journal: DigestJournal;
  readonly fromOffset: number;
}

async function openCopy(
  request: CopyRequest,
  sourceState: string,
  letGo: LetGo,
): Promise<OpenCopy> {
  const { path, capacityBytes } = request;
  const state = request.isResumable ? await readCopyState(path) : undefined;
  if (state !== undefined && isSameCopy(state, request, sourceState) && (await isThere(path))) {
    try {
      return await resumeCopy(request, state, letGo);
    } catch (thrown) {
      // What lies here is not what was marked: it was tampered with, or the disk lost it.
      if (!isErrorKind(thrown, 'data_loss')) throw thrown;
    }
  }
  const writer = await openDiskWriter(writerOptions(request), letGo);
  try {
    const journal = await DigestJournal.create(digestsPath(path), capacityBytes);
    return { writer, journal, fromOffset: 0 };
  } catch (thrown) {
    await writer[Symbol.asyncDispose]();
    throw thrown;
  }
}

async function resumeCopy(
  request: CopyRequest,
  { mark }: CopyState,
  letGo: LetGo,
): Promise<OpenCopy> {
  const { path, capacityBytes } = request;
  const endBytes = mark.journalBytes;
  const journal = await DigestJournal.resume(digestsPath(path), { capacityBytes, endBytes });
  try {
    const writer = await openDiskWriter({ ...writerOptions(request), mark: mark.image }, letGo);
    return { writer, journal, fromOffset: mark.offset };
  } catch (thrown) {
    await journal[Symbol.asyncDispose]();
    throw thrown;
  }
}

function isSameCopy(state: CopyState, request: CopyRequest, sourceState: string): boolean {
  return (
    state.owner === request.owner &&
    state.sourceState === sourceState &&
    state.capacityBytes === request.capacityBytes &&
    state.format === request.format &&
    state.isCompressed === request.isCompressed
  );
}

function writerOptions({ path, format, capacityBytes, isCompressed }: CopyRequest) {
  const compressionLevel = isCompressed && format === 'qcow2' ? COMPRESSION_LEVEL : undefined;
  return { path, format, capacityBytes, compressionLevel };
}

export async function verifyDiskTask(input: unknown, context: TaskContext): Promise<VerifyOutcome> {
  const { path, format, capacityBytes, journalBytes } = input as VerifyRequest;
  const { signal } = context;
  await using reader = await openWritten(path, format, signal);
  await using journal = await DigestJournal.resume(digestsPath(path), {
    capacityBytes,
    endBytes: journalBytes,
  });
  await using work = new DiskWork();
  await verifyDisk(reader, journal.digests, {
    ...{ clock: systemClock, signal, work },
    onProgress: (doneBytes) => context.progress(doneBytes),
  });
  return { checkedBytes: capacityBytes, contentDigest: journal.digests.summary() };
}

export async function hashFileTask(input: unknown, context: TaskContext): Promise<string> {
  const { path, algorithm, part } = input as HashRequest;
  let toldMs = systemClock.monotonicMs();
  const onProgress = (doneBytes: number) => {
    const nowMs = systemClock.monotonicMs();
    if (nowMs - toldMs < HASHED_EVERY_MS) return;
    toldMs = nowMs;
    context.progress(doneBytes);
  };
  return await hashFile(path, { algorithm, part, onProgress, signal: context.signal });
}

/** Of files alone: what comes from elsewhere is as long as its source says. */
export async function measureDiskTask(input: unknown, { signal }: TaskContext): Promise<number> {
  const feed = input as DiskFeed;
  if (feed.kind !== 'file') throw new Error(`a feed by ${feed.kind} is not measured`);
  const { reader } = await openFileFeed(feed, signal);
  await using opened = reader;
  return opened.capacityBytes;
}

/** By the format it was written in: what a raw image begins with is the guest's to choose. */
async function openWritten(
  path: string,
  format: VerifyRequest['format'],
  signal: AbortSignal,
): Promise<DiskReader> {
  await using stack = new AsyncDisposableStack();
  const source = stack.use(await openFileRangeSource(path));
  const reader = format === 'raw' ? createRawReader(source) : await openQcow2Reader(source, signal);
  stack.move();
  return reader;
}
