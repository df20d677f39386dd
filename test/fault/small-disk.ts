/** A file system of a few MiB that a test fills to the last byte and empties again. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { systemErrorCode } from '#kernel/errors.ts';

const BLOCK_BYTES = 4096;
const INODES = 500;

export class SmallDisk implements Disposable {
  readonly path: string;
  readonly #ballast: string;

  private constructor(path: string) {
    this.path = path;
    this.#ballast = join(path, 'ballast');
  }

  /** Undefined, and the test is skipped, where nothing may be mounted. */
  static mount(t: TestContext, sizeMib: number): SmallDisk | undefined {
    const path = mkdtempSync(join(tmpdir(), 'drover-fault-disk-'));
    const options = `size=${sizeMib}m,nr_inodes=${INODES},mode=755`;
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'pipe' });
      return new SmallDisk(path);
    } catch (thrown) {
      rmSync(path, { recursive: true });
      t.skip(`needs the right to mount a tmpfs: ${String(thrown).split('\n')[0]}`);
      return undefined;
    }
  }

  /** A file system has no room either when its blocks or when its inodes are used up. */
  fill(what: 'blocks' | 'inodes'): void {
    mkdirSync(this.#ballast);
    try {
      if (what === 'blocks') this.#useBlocks();
      else for (let at = 0; ; at += 1) writeFileSync(join(this.#ballast, String(at)), '');
    } catch (thrown) {
      if (systemErrorCode(thrown) !== 'ENOSPC') throw thrown;
    }
  }

  #useBlocks(): never {
    const file = openSync(join(this.#ballast, 'blocks'), 'a');
    const block = Buffer.alloc(BLOCK_BYTES, 1);
    try {
      for (;;) writeSync(file, block);
    } finally {
      closeSync(file);
    }
  }

  makeRoom(): void {
    rmSync(this.#ballast, { recursive: true, force: true });
  }

  /** Once nobody uses it any more. */
  [Symbol.dispose](): void {
    execFileSync('umount', ['--lazy', this.path]);
    rmSync(this.path, { recursive: true });
  }
}
