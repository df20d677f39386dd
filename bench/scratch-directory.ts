import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from './at-exit.ts';

export interface ScratchDirectory extends AsyncDisposable {
  readonly path: string;
}

/** Removed even when the benchmark is interrupted: a million machines are a lot to leave behind. */
export async function openScratchDirectory(): Promise<ScratchDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'drover-bench-'));
  const duty = atExit(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
      duty[Symbol.dispose]();
    },
  };
}
