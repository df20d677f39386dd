/**
 * The files of the built page. Which there are is read from the folder; it is looked at again when
 * its index is another one, so that a page that was built while Drover runs is there at once.
 */
import { createReadStream, type ReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';

export type PageEncoding = 'br' | 'gzip' | 'identity';

export interface PageFile {
  readonly type: string;
  /** Strong, and the same for as long as the content is. */
  readonly etag: string;
  /** Its name has a hash of the content in it. */
  readonly isImmutable: boolean;
  readonly sizes: ReadonlyMap<PageEncoding, number>;
  open(encoding: PageEncoding): ReadStream;
}

const INDEX = 'index.html';
const ASSETS = 'assets';
const ENDINGS: Readonly<Record<PageEncoding, string>> = { br: '.br', gzip: '.gz', identity: '' };
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

export class BuiltPage {
  readonly #directory: string;
  #files: ReadonlyMap<string, PageFile> = new Map();
  #builtMs: number | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** By its path under the folder; undefined when there is no such file, or nothing was built. */
  async find(path: string): Promise<PageFile | undefined> {
    const known = this.#files.get(path);
    if (known?.isImmutable === true) return known;
    const index = await stat(join(this.#directory, INDEX)).catch(() => undefined);
    if (index === undefined) return undefined;
    if (index.mtimeMs !== this.#builtMs) {
      this.#files = await readFiles(this.#directory);
      this.#builtMs = index.mtimeMs;
    }
    return this.#files.get(path);
  }

  index(): Promise<PageFile | undefined> {
    return this.find(INDEX);
  }
}

async function readFiles(directory: string): Promise<ReadonlyMap<string, PageFile>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = new Map<string, { readonly bytes: number; readonly changedMs: number }>();
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = await stat(path);
    sizes.set(path.slice(directory.length + 1), { bytes: size, changedMs: mtimeMs });
  }
  const files = new Map<string, PageFile>();
  for (const [name, { bytes, changedMs }] of sizes) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const encodings = (['br', 'gzip', 'identity'] as const).flatMap((encoding) => {
      const size = sizes.get(name + ENDINGS[encoding])?.bytes;
      return size === undefined ? [] : [[encoding, size] as const];
    });
    files.set(name, {
      type,
      etag: `"${bytes.toString(36)}-${Math.round(changedMs).toString(36)}"`,
      isImmutable: name.startsWith(`${ASSETS}/`),
      sizes: new Map(encodings),
      open: (encoding) => createReadStream(join(directory, name + ENDINGS[encoding])),
    });
  }
  return files;
}
