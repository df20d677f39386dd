import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import { HOUR_MS } from '#kernel/units.ts';
import { LargestFiles } from './largest-file.ts';

async function openTree() {
  const path = await mkdtemp(join(tmpdir(), 'drover-largest-'));
  await mkdir(join(path, 'a/b'), { recursive: true });
  await writeFile(join(path, 'small'), 'x');
  await writeFile(join(path, 'a/b/large'), '');
  await truncate(join(path, 'a/b/large'), 123_456);
  await symlink('/proc/kcore', join(path, 'a/link'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

describe('LargestFiles', () => {
  it('knows nothing at first, then what a walk found, until the next one', async () => {
    await using tree = await openTree();
    const clock = new FakeClock();
    await using files = new LargestFiles({ clock, log: silentLog });
    assert.equal(files.bytesOf(tree.path, 'ext4'), undefined);
    await files.idle();
    assert.equal(files.bytesOf(tree.path, 'ext4'), 123_456);
    await truncate(join(tree.path, 'small'), 200_000);
    assert.equal(files.bytesOf(tree.path, 'ext4'), 123_456);
    await clock.advance(6 * HOUR_MS);
    assert.equal(files.bytesOf(tree.path, 'ext4'), 123_456);
    await files.idle();
    assert.equal(files.bytesOf(tree.path, 'ext4'), 200_000);
  });

  it('says nothing of what it did not see whole, or does not walk', async () => {
    await using tree = await openTree();
    const clock = new FakeClock();
    await using files = new LargestFiles({ clock, log: silentLog, mostEntries: 3 });
    for (const [path, fstype] of [
      [tree.path, 'ext4'],
      [join(tree.path, 'gone'), 'xfs'],
      [tree.path, 'nfs4'],
    ] as const) {
      files.bytesOf(path, fstype);
      await files.idle();
      assert.equal(files.bytesOf(path, fstype), undefined);
    }
  });

  it('pauses every few entries, and ends when it is told to', async () => {
    await using tree = await openTree();
    const writes = Array.from({ length: 120 }, (_, at) => writeFile(join(tree.path, `f${at}`), ''));
    await Promise.all(writes);
    const clock = new FakeClock();
    const files = new LargestFiles({ clock, log: silentLog });
    files.bytesOf(tree.path, 'ext4');
    await files[Symbol.asyncDispose]();
    assert.equal(clock.pendingTimers, 0);
    assert.equal(files.bytesOf(tree.path, undefined), undefined);
  });
});
