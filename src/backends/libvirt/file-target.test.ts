import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { hashFile } from '#disks/hash-file.ts';
import { targetVm } from '#test/libvirt/libvirt-fixture.ts';
import { FileTarget } from './file-target.ts';

const { signal } = new AbortController();
const run = promisify(execFile);
const VM = targetVm();
const FILES = ['.owner', 'SHA256SUMS', 'domain.xml', 'manifest.json', 'web-0.raw'];

async function openTarget(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'drover-target-'));
  t.after(() => rm(root, { recursive: true }));
  const directory = join(root, 'out');
  const target = new FileTarget({ directory, hash: (path) => hashFile(path, { signal }) });
  const folder = join(directory, 'web');
  const names = async (path = folder) => (await readdir(path)).toSorted();
  const write = async () => {
    const [place] = await target.placeDisks(VM);
    assert.ok(place);
    await writeFile(place.path, 'the disk');
    return [{ ...place, contentDigest: 'digest' }];
  };
  return { target, directory, folder, names, write };
}

describe('FileTarget', () => {
  it('goes through its steps, each of which may come twice', async (t) => {
    const { target, folder, directory, names, write } = await openTarget(t);
    await write();
    const places = await write();
    await target.adoptDisks(VM);
    await target.adoptDisks(VM);
    const first = await target.define(VM, places, signal);
    assert.deepEqual(await target.define(VM, places, signal), first);
    assert.equal(first.ref, folder);
    assert.deepEqual(await names(), FILES);
    await run('sha256sum', ['--strict', '-c', 'SHA256SUMS'], { cwd: folder });
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as {
      readonly disks: readonly object[];
    };
    assert.deepEqual(manifest.disks, [
      {
        ...{ file: 'web-0.raw', format: 'raw', bus: 'sata', size_bytes: 8 },
        ...{ capacity_bytes: 1024 * 1024, content_digest: 'digest' },
        sha256: await hashFile(join(folder, 'web-0.raw'), { signal }),
      },
    ]);
    assert.deepEqual(await target.remove(VM), [folder]);
    assert.deepEqual(await target.remove(VM), []);
    assert.deepEqual(await names(directory), []);
  });

  it('takes a folder that is empty, and none that is somebody else’s', async (t) => {
    const { target, directory, folder, names, write } = await openTarget(t);
    await mkdir(folder, { recursive: true });
    assert.deepEqual(await target.check(VM), []);
    await write();
    const other = { ...VM, owner: 'job-2' };
    const findings = await target.check(other);
    assert.deepEqual(
      findings.map(({ code, severity }) => [code, severity]),
      [['folder-in-the-way', 'error']],
    );
    await assert.rejects(target.placeDisks(other), { kind: 'already_exists' });
    await assert.rejects(target.adoptDisks(other), { kind: 'data_loss' });
    await assert.rejects(target.define(other, [], signal), { kind: 'data_loss' });
    assert.deepEqual(await target.remove(other), []);
    assert.deepEqual(await names(), ['.owner', 'web-0.raw']);
    assert.deepEqual(await names(directory), ['web']);
  });

  it('writes through no link', async (t) => {
    const { target, directory, folder } = await openTarget(t);
    const outside = join(directory, '..', 'outside');
    await mkdir(outside);
    await mkdir(directory);
    await symlink(outside, folder);
    await assert.rejects(target.placeDisks(VM), { kind: 'already_exists' });
    assert.deepEqual(await readdir(outside), []);
  });

  it('removes what a copy left beside its images, and nothing of other people’s', async (t) => {
    const { target, folder, names, write } = await openTarget(t);
    await write();
    const left = ['web-0.raw.copying', 'web-0.raw.digests', 'manifest.json.new', 'notes.txt'];
    for (const name of left) await writeFile(join(folder, name), '');
    assert.deepEqual(await target.remove(VM), [folder]);
    assert.deepEqual(await names(), ['.owner', 'notes.txt']);
  });

  it('says that a disk is gone rather than describe a VM without', async (t) => {
    const { target, folder, write } = await openTarget(t);
    await write();
    await rm(join(folder, 'web-0.raw'));
    await assert.rejects(target.adoptDisks(VM), { reason: 'DISK_FILE_GONE' });
  });

  it('warns where there is no room', async (t) => {
    const { target } = await openTarget(t);
    const [disk] = VM.disks;
    assert.ok(disk);
    const findings = await target.check({ ...VM, disks: [{ ...disk, capacityBytes: 2 ** 56 }] });
    assert.deepEqual(
      findings.map(({ code, severity }) => [code, severity]),
      [['space-may-run-out', 'warning']],
    );
  });
});
