/**
 * Decides about each entry of an archive before anything of it is written. Only names that mean
 * the same to everybody pass, only files and folders, and only as much as the limits allow. Since
 * no link is ever made, a path that passes here cannot lead out of the folder.
 */
import { DroverError } from '#kernel/errors.ts';
import { formatBytes } from '#kernel/units.ts';

export interface UnpackLimits {
  /** Of all files together. */
  readonly totalBytes: number;
  readonly fileBytes: number;
  /** Files and folders, those that are only implied among them. */
  readonly entries: number;
  /** How many bytes may come out of one, once there is more than `RATIO_FREE_BYTES`. */
  readonly ratio: number;
}

export interface EntryHead {
  readonly name: string;
  /** Null where the letter in the archive means nothing that is known. */
  readonly type: string | null;
  readonly size: number;
}

/** What is to be made, in order. */
export type TreeStep =
  | { readonly make: 'folder'; readonly path: string }
  | { readonly make: 'file'; readonly path: string };

const MOST_DEPTH = 32;
const MOST_NAME_BYTES = 1024;
const MOST_PART_BYTES = 255;
const SHOWN_NAME = 120;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
/** What bytes that are not UTF-8 have become. */
const REPLACED = '\ufffd';

/** Completes "the archive has …": what `type` is called in a refusal. */
const REFUSED_TYPES: Readonly<Record<string, string>> = {
  link: 'a hard link',
  symlink: 'a symbolic link',
  'character-device': 'a device',
  'block-device': 'a device',
  fifo: 'a named pipe',
};

export class ArchiveTree {
  readonly #limits: UnpackLimits;
  readonly #made = new Map<string, 'file' | 'folder'>();
  #files = 0;
  #bytes = 0;

  constructor(limits: UnpackLimits) {
    this.#limits = limits;
  }

  get fileCount(): number {
    return this.#files;
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  get paths(): ReadonlyMap<string, 'file' | 'folder'> {
    return this.#made;
  }

  /** What to make for the entry; throws when it is refused. */
  admit(entry: EntryHead): readonly TreeStep[] {
    const kind = kindOf(entry);
    const path = checkName(entry.name, kind);
    if (path === '') return [];
    const steps = this.#parentsOf(path, entry.name);
    const there = this.#made.get(path);
    if (there !== undefined && (kind === 'file' || there === 'file')) {
      throw badEntry(entry.name, 'is there twice');
    }
    if (kind === 'folder') {
      if (there === undefined) steps.push(this.#make('folder', path));
      return steps;
    }
    this.#count(entry);
    steps.push(this.#make('file', path));
    return steps;
  }

  #parentsOf(path: string, name: string): TreeStep[] {
    const steps: TreeStep[] = [];
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      const parent = path.slice(0, at);
      const there = this.#made.get(parent);
      if (there === 'file') throw badEntry(name, `lies in ${parent}, which is a file`);
      if (there === undefined) steps.push(this.#make('folder', parent));
    }
    return steps;
  }

  #make(make: 'file' | 'folder', path: string): TreeStep {
    const { entries } = this.#limits;
    if (this.#made.size >= entries) {
      throw tooLarge(`the archive has more than ${entries} files and folders`);
    }
    this.#made.set(path, make);
    return { make, path };
  }

  #count({ name, size }: EntryHead): void {
    const { fileBytes, totalBytes } = this.#limits;
    if (!Number.isSafeInteger(size) || size < 0) throw badEntry(name, 'has no possible size');
    if (size > fileBytes) {
      throw tooLarge(`${show(name)} is larger than ${formatBytes(fileBytes)}`);
    }
    this.#files += 1;
    this.#bytes += size;
    if (this.#bytes > totalBytes) {
      throw tooLarge(`the archive unpacks to more than ${formatBytes(totalBytes)}`);
    }
  }
}

function kindOf({ name, type, size }: EntryHead): 'file' | 'folder' {
  if (type === 'file') return 'file';
  if (type !== 'directory') {
    throw badEntry(
      name,
      `is ${REFUSED_TYPES[type ?? ''] ?? 'of an unknown type'}; files and folders only`,
    );
  }
  if (size > 0) throw badEntry(name, 'is a folder with contents of its own');
  return 'folder';
}

/** The path without `./` in front and `/` behind; empty for the folder itself. */
function checkName(name: string, kind: 'file' | 'folder'): string {
  const refusal = refuseText(name);
  if (refusal !== undefined) throw badEntry(name, refusal);
  const path = trimName(name, kind);
  const parts = path.split('/');
  if (path === '' || path === '.') {
    if (kind === 'folder') return '';
    throw badEntry(name, 'has no name');
  }
  if (parts.length > MOST_DEPTH) throw badEntry(name, `lies more than ${MOST_DEPTH} folders deep`);
  for (const part of parts) {
    if (part === '' || part === '.' || part === '..') {
      throw badEntry(name, `must not have ${part === '' ? 'an empty part' : part} in its path`);
    }
    if (Buffer.byteLength(part) > MOST_PART_BYTES) {
      throw badEntry(name, `has a part of more than ${MOST_PART_BYTES} bytes`);
    }
  }
  return path;
}

function refuseText(name: string): string | undefined {
  if (name.startsWith('/')) return 'must not be an absolute path';
  if (Buffer.byteLength(name) > MOST_NAME_BYTES) return `is over ${MOST_NAME_BYTES} bytes long`;
  if (name.includes('\\')) return 'must not have a backslash in it';
  if (CONTROL.test(name)) return 'must not have control characters in it';
  return name.includes(REPLACED) ? 'is not UTF-8' : undefined;
}

/** `tar -C dir .` writes `./` before each name; folders end in a slash. */
function trimName(name: string, kind: 'file' | 'folder'): string {
  const bare = name.startsWith('./') ? name.slice(2) : name;
  return kind === 'folder' && bare.endsWith('/') ? bare.slice(0, -1) : bare;
}

function show(name: string): string {
  const text = JSON.stringify(name.slice(0, SHOWN_NAME));
  return name.length > SHOWN_NAME ? `${text}…` : text;
}

function badEntry(name: string, why: string): DroverError {
  return badArchive(`the archive's entry ${show(name)} ${why}`);
}

export function badArchive(message: string, cause?: unknown): DroverError {
  return new DroverError('invalid_argument', message, { reason: 'BAD_ARCHIVE', cause });
}

export function tooLarge(message: string): DroverError {
  return new DroverError('resource_exhausted', message, { reason: 'ARCHIVE_TOO_LARGE' });
}
