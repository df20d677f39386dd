/**
 * Unpacks an uploaded archive. Meant for a thread, which may read and write without minding an
 * event loop. The folder must be new and nobody else's. What was written when it fails is for the
 * caller to remove, which it has to be able to do after a crash anyhow.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  mkdirSync,
  openSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import type { TaskContext } from '#workers/wire/task-context.ts';
import { openArchive, streamArchive, type ArchiveStream } from './archive-stream.ts';
import { ArchiveTree, badArchive, type TreeStep, type UnpackLimits } from './archive-tree.ts';
import { diskFull, isDiskFull } from './disk-full.ts';
import { MANIFEST_NAMES } from './manifest-file.ts';
import { syncTree } from './sync-tree.ts';

export interface UnpackInput {
  readonly archivePath: string;
  /** Exists, and is empty. */
  readonly directory: string;
  readonly limits: UnpackLimits;
}

export interface UnpackResult {
  /** The one folder that everything is in, as npm packs; empty when there is none. */
  readonly root: string;
  readonly fileCount: number;
  readonly sizeBytes: number;
}

// Executable bits, and whoever the archive says owns it, mean nothing here.
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
const NEW_FILE = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
const TELL_EVERY = 100;

export async function unpackArchive(
  { archivePath, directory, limits }: UnpackInput,
  { signal, progress }: Pick<TaskContext, 'signal' | 'progress'>,
): Promise<UnpackResult> {
  const tree = new ArchiveTree(limits);
  try {
    await using file = await openArchive(archivePath);
    const archive = await streamArchive(file, limits, signal);
    await writeEntries(archive, { directory, tree, progress });
    // After all is written: what the disk does for one file is then half done for the others.
    await syncTree(directory, [...tree.paths.keys()], signal);
  } catch (thrown) {
    signal.throwIfAborted();
    throw toUnpackError(thrown);
  }
  const { fileCount, sizeBytes } = tree;
  return { root: rootOf(tree), fileCount, sizeBytes };
}

interface Writing {
  readonly directory: string;
  readonly tree: ArchiveTree;
  readonly progress: (value: unknown) => void;
}

async function writeEntries({ entries, ended }: ArchiveStream, writing: Writing): Promise<void> {
  const { directory, tree, progress } = writing;
  // It is awaited below, or has failed for the same reason as the entries.
  ended.catch(() => undefined);
  for await (const entry of entries) {
    const steps = tree.admit(entry.header);
    const file = steps.map((step) => makeStep(directory, step)).find((it) => it !== undefined);
    try {
      for await (const chunk of entry as AsyncIterable<Uint8Array>) {
        if (file !== undefined) writeAll(file, chunk);
      }
    } finally {
      if (file !== undefined) closeSync(file);
    }
    const { fileCount, sizeBytes } = tree;
    if (fileCount % TELL_EVERY === 0) progress({ fileCount, sizeBytes });
  }
  await ended;
}

/** Answers the file that is to be filled, if it is one. */
function makeStep(directory: string, { make, path }: TreeStep): number | undefined {
  const full = join(directory, path);
  if (make === 'folder') {
    mkdirSync(full);
    chmodSync(full, FOLDER_MODE);
    return undefined;
  }
  const file = openSync(full, NEW_FILE, FILE_MODE);
  fchmodSync(file, FILE_MODE);
  return file;
}

function writeAll(file: number, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at);
}

function rootOf({ paths }: ArchiveTree): string {
  const top = [...paths].filter(([path]) => !path.includes('/'));
  const [[root, kind] = ['', 'file']] = top;
  if (top.length !== 1 || kind !== 'folder') return '';
  return MANIFEST_NAMES.some((name) => paths.has(`${root}/${name}`)) ? root : '';
}

function toUnpackError(thrown: unknown): unknown {
  if (thrown instanceof DroverError) return thrown;
  if (isDiskFull(thrown)) return diskFull(thrown);
  const code = systemErrorCode(thrown);
  if (code !== undefined && !/^(?:Z_|ERR_STREAM)/.test(code)) return thrown;
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return badArchive(`the archive is damaged: ${why}`, thrown);
}
