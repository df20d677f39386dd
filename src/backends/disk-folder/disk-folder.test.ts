import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { inspectImage } from '#backends/qemu/image-catalog.ts';
import { untilAborted } from '#kernel/abort.ts';
import { systemClock } from '#kernel/clock.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { DiskId } from '#kernel/ids.ts';
import { silentLog } from '#kernel/log.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '#kernel/units.ts';
import type { DiskDraft } from '#machines/disk.ts';
import { ADA } from '#test/contract/store-fixtures.ts';
import { SmallDisk } from '#test/fault/small-disk.ts';
import { until } from '#test/until.ts';
import { DiskFolder, type DiskFolderOptions } from './disk-folder.ts';

const ID = 'web' as DiskId;
const DRAFT: DiskDraft = {
  ...{ id: ID, customerId: ADA, name: 'web', format: 'raw', sizeBytes: 10 },
  sha256: 'as it should be',
};
const NEVER = new Promise<never>(() => undefined);

async function* bytes(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

/** The connection is there, and nothing comes any more. */
async function* hangingAfter(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  await NEVER;
}

async function openPlace(t: TestContext, imagesDirectory?: string) {
  const directory = imagesDirectory ?? (await mkdtemp(join(tmpdir(), 'drover-disks-')));
  const opened: DiskFolder[] = [];
  t.after(async () => {
    for (const folder of opened) await folder[Symbol.asyncDispose]();
    if (imagesDirectory === undefined) await rm(directory, { recursive: true });
  });
  const clock = new FakeClock(systemClock.nowMs());
  const open = async (changes: Partial<DiskFolderOptions> = {}) => {
    const folder = await DiskFolder.open({
      ...{ imagesDirectory: directory, clock, log: silentLog, guestUser: undefined },
      ...{ inspect: inspectImage, hash: async () => 'as it should be', ...changes },
    });
    opened.push(folder);
    return folder;
  };
  return { directory, clock, open };
}

const ready = async (folder: DiskFolder) =>
  await until(async () => {
    const disk = await folder.find(ADA, ID);
    return disk?.state === 'checking' ? undefined : disk;
  }, 'the check');

describe('DiskFolder', () => {
  it('goes on after a process that was killed while bytes came', async (t) => {
    const { open } = await openPlace(t);
    const killed = await open();
    await killed.insert(DRAFT);
    void killed.append(ADA, ID, { offset: 0, open: () => hangingAfter('01234') }).catch(() => 0);
    const next = await open();
    const there = await until(async () => {
      const disk = await next.find(ADA, ID);
      return disk?.receivedBytes === 5 ? disk : undefined;
    }, 'the first bytes');
    assert.equal(there.state, 'receiving');
    await next.append(ADA, ID, { offset: 5, open: () => bytes('567', '89') });
    assert.equal((await ready(next))?.state, 'ready');
  });

  it('checks what a process did not come to check, without being asked', async (t) => {
    const { open, directory } = await openPlace(t);
    const killed = await open({ hash: (_path, signal) => untilAborted(NEVER, signal) });
    await killed.insert(DRAFT);
    await killed.append(ADA, ID, { offset: 0, open: () => bytes('0123456789') });
    assert.equal((await killed.find(ADA, ID))?.state, 'checking');
    await open();
    const uploads = join(directory, 'customers', ADA, 'uploads');
    const names = await until(async () => {
      const found = await readdir(uploads);
      return found.length === 0 ? undefined : found;
    }, 'the disk');
    assert.deepEqual(names, ['web.raw']);
  });

  it('tells how much of a disk it has looked at', async (t) => {
    const { open } = await openPlace(t);
    const checked = Promise.withResolvers<void>();
    const folder = await open({
      hash: async (_path, _signal, onProgress) => {
        onProgress(4);
        await checked.promise;
        return 'as it should be';
      },
    });
    const { checkedBytes } = await folder.insert(DRAFT);
    assert.equal(checkedBytes, undefined);
    await folder.append(ADA, ID, { offset: 0, open: () => bytes('0123456789') });
    const { state, checkedBytes: some } = (await folder.find(ADA, ID)) ?? {};
    assert.deepEqual([state, some], ['checking', 4]);
    checked.resolve();
    assert.equal((await ready(folder))?.checkedBytes, undefined);
  });

  it('removes a disk at once that is still looked at', async (t) => {
    const { open, directory } = await openPlace(t);
    const folder = await open({ hash: (_path, signal) => untilAborted(NEVER, signal) });
    await folder.insert(DRAFT);
    const disk = await folder.append(ADA, ID, { offset: 0, open: () => bytes('0123456789') });
    assert.equal(disk.state, 'checking');
    await folder.remove(disk);
    assert.equal(await folder.find(ADA, ID), undefined);
    assert.deepEqual(await readdir(join(directory, 'customers/.uploads', ADA)), []);
  });

  it('lets the newest of two that send the same disk go on', async (t) => {
    const { open } = await openPlace(t);
    const folder = await open();
    await folder.insert(DRAFT);
    const old = folder.append(ADA, ID, { offset: 0, open: () => hangingAfter('01234') });
    const refused = assert.rejects(old, { reason: 'UPLOAD_SUPERSEDED' });
    await until(
      async () => ((await folder.find(ADA, ID))?.receivedBytes === 5 ? true : undefined),
      'the first bytes',
    );
    const { receivedBytes } = await folder.append(ADA, ID, { offset: 5, open: () => bytes('5') });
    assert.equal(receivedBytes, 6);
    await refused;
  });

  it('removes what is half when nothing came for three days', async (t) => {
    const { open, clock, directory } = await openPlace(t);
    const folder = await open();
    await folder.insert(DRAFT);
    await folder.append(ADA, ID, { offset: 0, open: () => bytes('01234') });
    await folder.insert({ ...DRAFT, id: 'whole' as DiskId, sizeBytes: 2, sha256: undefined });
    await folder.append(ADA, 'whole' as DiskId, { offset: 0, open: () => bytes('01') });
    await until(async () => {
      const whole = await folder.find(ADA, 'whole' as DiskId);
      return whole?.state === 'ready' ? true : undefined;
    }, 'the check');
    const hidden = join(directory, 'customers/.uploads', ADA);
    const old = (clock.nowMs() - 3 * DAY_MS + 2 * HOUR_MS) / SECOND_MS;
    for (const name of await readdir(hidden)) await utimes(join(hidden, name), old, old);
    await clock.advance(HOUR_MS);
    assert.equal((await folder.list(ADA)).length, 2);
    await clock.advance(HOUR_MS);
    await until(
      async () => ((await folder.list(ADA)).length === 1 ? true : undefined),
      'the sweep',
    );
    assert.deepEqual((await readdir(hidden)).toSorted(), ['whole.json']);
  });

  it('says that the file system is full, and goes on when there is room', async (t) => {
    const disk = SmallDisk.mount(t, 4);
    if (disk === undefined) return;
    const { open } = await openPlace(t, disk.path);
    t.after(() => disk[Symbol.dispose]());
    const folder = await open();
    await folder.insert({ ...DRAFT, sizeBytes: 65_536 });
    const body = () => bytes('x'.repeat(32_768), 'y'.repeat(32_768));
    disk.fill('blocks');
    const refused = folder.append(ADA, ID, { offset: 0, open: body });
    await assert.rejects(refused, { kind: 'resource_exhausted', reason: 'DISK_FULL' });
    const { receivedBytes = 0 } = (await folder.find(ADA, ID)) ?? {};
    disk.makeRoom();
    const rest = () => bytes('x'.repeat(65_536 - receivedBytes));
    await folder.append(ADA, ID, { offset: receivedBytes, open: rest });
    assert.equal((await ready(folder))?.state, 'ready');
  });
});
