import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { targetVm } from '#test/libvirt/libvirt-fixture.ts';
import { DirectoryStorage, isWritable } from './directory-storage.ts';
import { nameDisks, type NamedDisk } from './disk-names.ts';

async function openStorage(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'drover-storage-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'images');
  const storage = new DirectoryStorage({ path, label: path, refreshPool: undefined });
  const names = async () => (await readdir(path)).toSorted();
  return { storage, path, names };
}

function diskOf(owner: string): NamedDisk {
  const [disk] = nameDisks(targetVm({ owner }));
  assert.ok(disk);
  return disk;
}

describe('DirectoryStorage', () => {
  it('goes through its steps, each of which may come twice', async (t) => {
    const { storage, path, names } = await openStorage(t);
    const disk = diskOf('job-1');
    const twice = async <T>(step: () => Promise<T>) => [await step(), await step()][1] as T;
    const file = await twice(() => storage.place(disk));
    assert.deepEqual(await names(), []);
    await writeFile(file, 'written', { mode: 0o644 });
    await twice(() => storage.adopt(disk));
    const { path: final } = await storage.source(disk);
    assert.equal(final, join(path, 'web-0.raw'));
    assert.equal((await stat(final)).mode & 0o777, 0o600);
    assert.equal(await storage.obstacle(disk), undefined);
    await twice(() => storage.settle(disk));
    assert.deepEqual(await names(), ['web-0.raw']);
    await twice(() => storage.claim(disk));
    assert.deepEqual(await storage.remove(disk), [final]);
    assert.deepEqual(await storage.remove(disk), []);
    assert.deepEqual(await names(), []);
  });

  it('puts a disk over nothing, and removes what bears its owner alone', async (t) => {
    const { storage, path, names } = await openStorage(t);
    const [ours, theirs] = [diskOf('job-1'), diskOf('job-2')];
    await writeFile(await storage.place(theirs), 'theirs');
    await storage.adopt(theirs);
    await writeFile(await storage.place(ours), 'ours');
    assert.equal(await storage.obstacle(ours), join(path, 'web-0.raw'));
    await assert.rejects(storage.adopt(ours), { kind: 'already_exists' });
    assert.deepEqual(await storage.remove(ours), [join(path, ours.partialName)]);
    await storage.settle(theirs);
    assert.deepEqual(await storage.remove(ours), []);
    assert.equal(await readFile(join(path, 'web-0.raw'), 'utf8'), 'theirs');
    assert.deepEqual(await names(), ['web-0.raw']);
  });

  it('says that a disk is gone rather than take another one of its name', async (t) => {
    const { storage, path } = await openStorage(t);
    const disk = diskOf('job-1');
    await storage.place(disk);
    await writeFile(join(path, 'web-0.raw'), 'somebody');
    await assert.rejects(storage.adopt(disk), { kind: 'data_loss', reason: 'DISK_FILE_GONE' });
  });

  it('knows the room there is before the directory is made', async (t) => {
    const { storage, path } = await openStorage(t);
    assert.ok(await isWritable(path));
    const [room] = await storage.rooms();
    assert.ok(room?.freeBytes !== undefined && room.freeBytes > 0);
  });
});
