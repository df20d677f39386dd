import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MIB } from '#kernel/units.ts';
import { OPEN_POLICY, tarOf } from '#test/app-fixture.ts';
import { receiveApp } from './receive-app.ts';

describe('receiveApp', () => {
  it('reads the manifest where it lies, and judges it by what operators allow', async () => {
    const root = await mkdtemp(join(tmpdir(), 'drover-receive-'));
    try {
      const text = 'name: shop\nversion: 1.0.0\nmax_workers: 3\n';
      const archive = await tarOf([
        { name: 'package/manifest.yaml', body: text },
        { name: 'package/index.js', body: '' },
      ]);
      await writeFile(join(root, 'archive'), archive);
      const receive = async (maxWorkers: number) => {
        const directory = join(root, String(maxWorkers));
        await mkdir(directory);
        const limits = { totalBytes: MIB, fileBytes: MIB, entries: 10, ratio: 200 };
        const policy = { ...OPEN_POLICY, maxWorkers };
        const context = { signal: new AbortController().signal, progress: () => undefined };
        const input = { archivePath: join(root, 'archive'), directory, limits, policy };
        return await receiveApp(input, context);
      };
      const { root: top, fileCount, manifest } = await receive(3);
      assert.deepEqual([top, fileCount], ['package', 2]);
      assert.deepEqual([manifest.name, manifest.entrypoint], ['shop', 'index.js']);
      await assert.rejects(receive(2), /max_workers: must be a whole number from 1 to 2, not 3/);
    } finally {
      await rm(root, { recursive: true });
    }
  });
});
