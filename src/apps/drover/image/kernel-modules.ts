/**
 * Finds the drivers a guest needs in an unpacked kernel package, with what they depend on, in an
 * order in which they can be loaded one by one. The order comes from the modules themselves (the
 * `depends=` line each carries), so it follows the kernel that Debian happens to ship.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

import { DroverError } from '#kernel/errors.ts';
import { runCommand } from './command.ts';

export interface KernelModule {
  /** As the kernel writes it, with underscores: `virtio_blk`. */
  readonly name: string;
  readonly content: Buffer;
}

export interface KernelTree {
  readonly release: string;
  /** Loadable modules by name, to the path of their file. */
  readonly files: ReadonlyMap<string, string>;
  /** Drivers that are part of the kernel itself and need no loading. */
  readonly builtIn: ReadonlySet<string>;
}

const MODULE_FILE = /\.ko(\.gz|\.xz|\.zst)?$/;

/** Reads `lib/modules/RELEASE` of an unpacked package. */
export async function openKernelTree(modulesDir: string): Promise<KernelTree> {
  const files = new Map<string, string>();
  for (const entry of await readdir(join(modulesDir, 'kernel'), {
    recursive: true,
    withFileTypes: true,
  })) {
    if (!entry.isFile() || !MODULE_FILE.test(entry.name)) continue;
    files.set(pathToModuleName(entry.name), join(entry.parentPath, entry.name));
  }
  const builtIn = (await readFile(join(modulesDir, 'modules.builtin'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map(pathToModuleName);
  return { release: basename(modulesDir), files, builtIn: new Set(builtIn) };
}

/** The wanted modules and all they depend on, each after everything it needs. */
export async function loadModules(
  tree: KernelTree,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<KernelModule[]> {
  const contents = new Map<string, Buffer>();
  const depends = new Map<string, readonly string[]>();
  const queue = [...wanted];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (depends.has(name) || tree.builtIn.has(name)) continue;
    const content = await readModule(tree, name, signal);
    const needed = parseModuleDepends(content).filter((other) => !tree.builtIn.has(other));
    contents.set(name, content);
    depends.set(name, needed);
    queue.push(...needed);
  }
  return orderModules(
    wanted.filter((name) => !tree.builtIn.has(name)),
    depends,
  ).map((name) => ({ name, content: contents.get(name) ?? Buffer.alloc(0) }));
}

/** The names after `depends=` in a module's information section. */
export function parseModuleDepends(content: Buffer): string[] {
  const key = '\0depends=';
  const start = content.indexOf(key);
  if (start < 0) {
    throw new DroverError('failed_precondition', 'the file is not a Linux kernel module', {
      reason: 'KERNEL_MODULE_UNREADABLE',
    });
  }
  const end = content.indexOf(0, start + key.length);
  const list = content.toString('latin1', start + key.length, end < 0 ? content.length : end);
  return list
    .split(',')
    .filter((name) => name !== '')
    .map(pathToModuleName);
}

/** Depth first: a module is placed once all it depends on is. */
export function orderModules(
  wanted: readonly string[],
  depends: ReadonlyMap<string, readonly string[]>,
): string[] {
  const ordered: string[] = [];
  const state = new Map<string, 'open' | 'placed'>();
  const place = (name: string): void => {
    if (state.get(name) === 'placed') return;
    if (state.get(name) === 'open') {
      throw new DroverError('failed_precondition', `kernel module ${name} depends on itself`, {
        reason: 'KERNEL_MODULE_CYCLE',
      });
    }
    state.set(name, 'open');
    for (const needed of depends.get(name) ?? []) place(needed);
    state.set(name, 'placed');
    ordered.push(name);
  };
  for (const name of wanted) place(name);
  return ordered;
}

async function readModule(tree: KernelTree, name: string, signal: AbortSignal): Promise<Buffer> {
  const path = tree.files.get(name);
  if (path === undefined) {
    throw new DroverError(
      'failed_precondition',
      `kernel ${tree.release} has no driver ${name}, neither built in nor as a module`,
      { reason: 'KERNEL_MODULE_MISSING', metadata: { module: name, kernel: tree.release } },
    );
  }
  if (path.endsWith('.gz')) return gunzipSync(await readFile(path));
  if (path.endsWith('.zst')) return zstdDecompressSync(await readFile(path));
  if (path.endsWith('.xz')) return runCommand('xz', ['-dc', path], { signal });
  return readFile(path);
}

function pathToModuleName(path: string): string {
  return basename(path).replace(MODULE_FILE, '').replaceAll('-', '_');
}
