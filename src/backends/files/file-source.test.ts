import assert from 'node:assert/strict';
import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { hashFile } from '#disks/hash-file.ts';
import { makeOva, manifestText, ovfText } from '#test/packages.ts';
import { AllowedFileSourceOpener } from './allowed-file-source-opener.ts';

const { signal } = new AbortController();
const CAPACITY = 20 * 1024 * 1024;

/** Images that nobody looks into: what measures them is not ours to test. */
async function openFolder(t: TestContext) {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'drover-source-')));
  t.after(() => rm(directory, { recursive: true }));
  const put = (name: string, text = name) => writeFile(join(directory, name), text, 'latin1');
  const putVm = async (name: string) => {
    await put(`${name}-disk1.vmdk`);
    await put(`${name}.ovf`, ovfText({ name, disks: [`${name}-disk1.vmdk`] }));
  };
  const opener = new AllowedFileSourceOpener({
    ...{ directories: [directory], uploads: join(directory, 'uploads') },
    hash: ({ path, algorithm, part }) => hashFile(path, { algorithm, part, signal }),
    measure: () => Promise.resolve(CAPACITY),
  });
  const open = (name = '') => opener.open(join(directory, name), signal);
  return { directory, put, putVm, open, opener };
}

describe('a folder of images as a source', () => {
  it('is found with every other that may be read, and by its whole path', async (t) => {
    const { directory, put, putVm, opener } = await openFolder(t);
    await putVm('web');
    await mkdir(join(directory, 'uploads'));
    for (const name of ['sent.qcow2', 'note.txt']) await put(`uploads/${name}`);
    const source = await opener.open(undefined, signal);
    const vms = await source.listVms({}, signal);
    assert.deepEqual(
      vms.map(({ path, ref }) => [path, ref]),
      [
        [join(directory, 'web.ovf'), 'web.ovf'],
        [join(directory, 'uploads/sent.qcow2'), 'sent.qcow2'],
      ],
    );
    const some = await source.listVms({ pattern: '*/uploads/*' }, signal);
    assert.equal(some.length, 1);
    const vm = await source.findVm(join(directory, 'uploads/sent.qcow2').slice(1), signal);
    assert.deepEqual([vm.path, vm.disks.length], [join(directory, 'uploads/sent.qcow2'), 1]);
    const refused = { kind: 'not_found', reason: 'SOURCE_VM_NOT_FOUND' };
    await assert.rejects(source.findVm('etc/passwd.raw', signal), refused);
    await assert.rejects(source.openExport(vm, 'file', signal), /source.path: is missing/);
  });

  it('lists what is a VM, and nothing that belongs to one', async (t) => {
    const { directory, put, putVm, open } = await openFolder(t);
    await putVm('web');
    await makeOva(directory, 'packed', ['web.ovf', 'web-disk1.vmdk']);
    for (const name of ['a.qcow2', 'b.raw', 'c.vmdk', 'c-flat.vmdk', 'd.iso', 'e.txt']) {
      await put(name);
    }
    await put('broken.ova');
    await symlink('/etc/passwd', join(directory, 'f.raw'));
    await using source = await open();
    const vms = await source.listVms({}, signal);
    assert.deepEqual(
      vms.map(({ path, name, cpus }) => [path, name, cpus]),
      [
        ['a.qcow2', 'a', undefined],
        ['b.raw', 'b', undefined],
        ['broken.ova', 'broken', undefined],
        ['c.vmdk', 'c', undefined],
        ['packed.ova', 'web', 4],
        ['web.ovf', 'web', 4],
      ],
    );
    const some = await source.listVms({ pattern: '*.ov*' }, signal);
    assert.deepEqual(
      some.map(({ path }) => path),
      ['broken.ova', 'packed.ova', 'web.ovf'],
    );
  });

  it('finds a VM by its path, and by a name that one alone has', async (t) => {
    const { directory, put, putVm, open } = await openFolder(t);
    await putVm('web');
    await makeOva(directory, 'packed', ['web.ovf', 'web-disk1.vmdk']);
    await put('lone.qcow2');
    await using source = await open();
    const vm = await source.findVm('/packed', signal);
    assert.deepEqual([vm.path, vm.name, vm.powerState], ['packed.ova', 'web', 'poweredOff']);
    assert.equal(vm.disks[0]?.capacityBytes, CAPACITY);
    assert.match(vm.nics[0]?.mac ?? '', /^52:54:00(?::[0-9a-f]{2}){3}$/);
    assert.deepEqual(await source.findVm('packed.ova', signal), vm);
    const ambiguous = { reason: 'VM_AMBIGUOUS', message: /packed.ova, web.ovf/ };
    await assert.rejects(source.findVm('web', signal), ambiguous);
    await assert.rejects(source.findVm('lome', signal), /did you mean lone\?/);
    await using one = await open('lone.qcow2');
    assert.deepEqual((await one.findVm('lone', signal)).nics, []);
    await assert.rejects(one.findVm('web.ovf', signal), { kind: 'not_found' });
  });

  it('gives a disk at least the size that the OVF says', async (t) => {
    const { put, putVm, open } = await openFolder(t);
    await putVm('web');
    const disks = ['web-disk1.vmdk'];
    await put('web.ovf', ovfText({ name: 'web', disks, capacityMib: 50 }));
    await using source = await open();
    const { disks: found } = await source.findVm('web', signal);
    assert.equal(found[0]?.capacityBytes, 50 * 1024 * 1024);
  });

  it('tells of an image whose content is not what its name says', async (t) => {
    const { put, putVm, open } = await openFolder(t);
    await put('noise.vmdk', 'no VMDK begins like this');
    await put('whole.vmdk', '# Disk DescriptorFile\n');
    await put('plain.raw');
    await put('named.raw', 'QFI\u00fb'.padEnd(600));
    await put('cloud.img', 'QFI\u00fb'.padEnd(600));
    await putVm('web');
    await using source = await open();
    const odd: (string | undefined)[] = [];
    for (const name of ['noise', 'whole', 'plain', 'named', 'cloud', 'web']) {
      odd.push((await source.findVm(name, signal)).disks[0]?.oddFormat);
    }
    assert.deepEqual(odd, ['raw', undefined, undefined, 'qcow2', undefined, 'raw']);
  });

  it('says what is missing, and takes no link for a file', async (t) => {
    const { directory, putVm, open } = await openFolder(t);
    await putVm('web');
    await using source = await open();
    await rm(join(directory, 'web-disk1.vmdk'));
    await assert.rejects(source.findVm('web', signal), /web-disk1.vmdk is not there/);
    await symlink('/etc/passwd', join(directory, 'web-disk1.vmdk'));
    await assert.rejects(source.findVm('web', signal), /web-disk1.vmdk is a link/);
    await assert.rejects(open('nothing.ova'), { kind: 'not_found' });
  });
});

describe('the disks of a VM in files', () => {
  it('are offered when each has the checksum that came with it', async (t) => {
    const { directory, put, putVm, open } = await openFolder(t);
    await putVm('web');
    const names = ['web.ovf', 'web-disk1.vmdk'];
    for (const algorithm of ['sha1', 'sha256'] as const) {
      await put('web.mf', await manifestText(directory, names, algorithm));
      await makeOva(directory, 'packed', [...names, 'web.mf']);
      await using source = await open();
      for (const path of ['web.ovf', 'packed.ova']) {
        const vm = await source.findVm(path, signal);
        await using opened = await source.openExport(vm, 'file', signal);
        const [disk] = opened.disks;
        assert.ok(disk?.feed.kind === 'file');
        assert.equal(disk.feed.part === undefined, path === 'web.ovf');
        await opened.complete(signal);
      }
    }
  });

  it('are refused when a checksum is another, or missing', async (t) => {
    const { directory, put, putVm, open } = await openFolder(t);
    await putVm('web');
    await using source = await open();
    const vm = await source.findVm('web', signal);
    const refusal = { kind: 'data_loss' };
    await put('web.mf', await manifestText(directory, ['web.ovf']));
    await assert.rejects(source.openExport(vm, 'file', signal), refusal);
    await put('web.mf', await manifestText(directory, ['web.ovf', 'web-disk1.vmdk']));
    await appendFile(join(directory, 'web.ovf'), ' ');
    const mismatch = { reason: 'CHECKSUM_MISMATCH', metadata: { file: 'web.ovf' } };
    await assert.rejects(source.openExport(vm, 'file', signal), mismatch);
  });

  it('are not complete when they changed as they were read', async (t) => {
    const { directory, put, putVm, open } = await openFolder(t);
    await putVm('web');
    await using source = await open();
    const vm = await source.findVm('web', signal);
    await using opened = await source.openExport(vm, 'file', signal);
    await put('other');
    await copyFile(join(directory, 'other'), join(directory, 'web-disk1.vmdk'));
    await assert.rejects(opened.complete(signal), { reason: 'SOURCE_CHANGED' });
  });
});
