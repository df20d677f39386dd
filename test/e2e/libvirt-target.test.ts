/** VMs that go to a real libvirtd, and guests that boot there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { isErrorKind } from '#kernel/errors.ts';
import { parseLibvirtUri } from '#transfers/libvirt-uri.ts';
import type { DiskPlace, Target, TargetDisk, TargetVm } from '#transfers/target.ts';
import { writeBootDisk, type BootDiskOptions } from '#test/libvirt/boot-sector.ts';
import { LibvirtFixture, targetVm } from '#test/libvirt/libvirt-fixture.ts';
import { sourceVm } from '#test/libvirt/source-vm.ts';

const run = promisify(execFile);
const SAYS = 'the boot sector runs';
const BOOT_MS = 60_000;
const STATE_OF_TPMS = 'libvirt/qemu/swtpm';
const signal = new AbortController().signal;

let fixture: LibvirtFixture;
before(async () => {
  fixture = await LibvirtFixture.open();
});
after(async () => {
  await fixture[Symbol.asyncDispose]();
});

/** As the pipeline does, with a copy that is a boot sector. */
async function moveThere(
  target: Target,
  vm: TargetVm,
  options: BootDiskOptions = { says: SAYS },
): Promise<{ readonly ref: string; readonly places: readonly DiskPlace[] }> {
  const places = await target.placeDisks(vm, signal);
  for (const [index, { path }] of places.entries()) {
    if (vm.disks[index]?.format === 'qcow2') {
      await writeBootDisk(`${path}.raw`, options);
      await run('qemu-img', ['convert', '-O', 'qcow2', `${path}.raw`, path]);
      await rm(`${path}.raw`);
    } else {
      await writeBootDisk(path, options);
    }
  }
  await target.adoptDisks(vm, places, signal);
  const { ref } = await target.define(vm, places, signal);
  return { ref, places };
}

describe('LibvirtTarget at a real libvirtd', { concurrency: 3 }, () => {
  it('brings a VM there, boots it, and takes away all of it again', async () => {
    const { target, images, workDirectory } = await fixture.target({ readyTexts: [SAYS] });
    const [disk] = targetVm().disks;
    assert.ok(disk);
    const mac = '00:50:56:aa:bb:cc';
    const vm = targetVm({
      // virsh would take it for the number of a running domain.
      name: '1',
      uuid: '42329208-8c5a-3254-1234-567890abcdef',
      disks: [
        { ...disk, format: 'qcow2' },
        { ...disk, key: '2001', bus: 'scsi' },
        { ...disk, key: '2002', bus: 'virtio' },
      ],
      nics: [{ mac, network: 'user', model: 'e1000e', isConnected: true }],
    });
    const { ref, places } = await moveThere(target, vm);
    assert.equal(ref, vm.uuid);
    assert.deepEqual((await readdir(images)).toSorted(), ['1-0.qcow2', '1-1.raw', '1-2.raw']);

    const xml = await fixture.virsh('dumpxml', `--domain=${ref}`);
    for (const said of [mac, 'e1000e', "bus='sata'", "bus='scsi'", "bus='virtio'"]) {
      assert.ok(xml.includes(said), said);
    }
    await writeFile(join(fixture.directory, 'dump.xml'), xml);
    await run('virt-xml-validate', [join(fixture.directory, 'dump.xml'), 'domain']);

    // Each step again, as after a crash at the end.
    await target.adoptDisks(vm, places, signal);
    assert.equal((await target.define(vm, places, signal)).ref, ref);
    await target.start(ref, signal);
    await target.start(ref, signal);
    const sign = await target.awaitBoot(ref, BOOT_MS, signal);
    assert.equal(sign, `the console says "${SAYS}"`);

    const removed = await target.remove(vm, signal);
    assert.deepEqual(removed, [
      `domain 1 (${ref})`,
      ...['1-0.qcow2', '1-1.raw', '1-2.raw'].map((name) => join(images, name)),
    ]);
    assert.deepEqual(await readdir(images), []);
    assert.deepEqual(await readdir(workDirectory), []);
    assert.ok(!(await fixture.virsh('list', '--all', '--uuid')).includes(ref));
    assert.deepEqual(await target.remove(vm, signal), []);
  });

  it('keeps UEFI, and its settings go with the VM', async () => {
    const { target, images } = await fixture.target({ readyTexts: ['BdsDxe'] });
    const vm = targetVm({ name: 'efi', firmware: 'efi', memoryMib: 96 });
    const { ref } = await moveThere(target, vm);
    await target.start(ref, signal);
    await target.awaitBoot(ref, BOOT_MS, signal);
    assert.match(await fixture.virsh('dumpxml', `--domain=${ref}`), /OVMF_CODE_4M\.fd/);
    await target.remove(vm, signal);
    assert.deepEqual(await readdir(images), []);

    const secure = targetVm({ name: 'secure', firmware: 'efi', isSecureBoot: true });
    const defined = await moveThere(target, secure);
    assert.match(await fixture.virsh('dumpxml', `--domain=${defined.ref}`), /secure='yes'/);
    await target.remove(secure, signal);
  });

  it('gives a guest a TPM of its own, which goes with it', async () => {
    const { target } = await fixture.target({ readyTexts: [SAYS] });
    const vm = targetVm({ name: 'sealed', hasTpm: true });
    assert.deepEqual(codes(await target.check(vm, sourceVm(), signal)), ['no-kvm']);
    const { ref } = await moveThere(target, vm);
    const xml = await fixture.virsh('dumpxml', `--domain=${ref}`);
    assert.match(xml, /<tpm model='tpm-crb'>\s*<backend type='emulator' version='2.0'\/>/);
    await writeFile(join(fixture.directory, 'tpm.xml'), xml);
    await run('virt-xml-validate', [join(fixture.directory, 'tpm.xml'), 'domain']);
    await target.start(ref, signal);
    assert.equal(await target.awaitBoot(ref, BOOT_MS, signal), `the console says "${SAYS}"`);
    const devices = await fixture.virsh('qemu-monitor-command', ref, '--hmp', 'info tpm');
    assert.match(devices, /model=tpm-crb[^]*type=emulator/);
    const state = join(fixture.libvirtd.environment['XDG_CONFIG_HOME'] ?? '', STATE_OF_TPMS, ref);
    assert.ok((await readdir(join(state, 'tpm2'))).includes('tpm2-00.permall'));
    await target.remove(vm, signal);
    await assert.rejects(readdir(state), { code: 'ENOENT' });
  });

  it('says at once when a guest stops, and at last when it is silent', async () => {
    const { target } = await fixture.target();
    const vm = targetVm({ name: 'stops' });
    const { ref } = await moveThere(target, vm, { says: 'no disk to boot', atEnd: 'powers off' });
    await target.start(ref, signal);
    await assert.rejects(target.awaitBoot(ref, BOOT_MS, signal), {
      kind: 'failed_precondition',
      reason: 'GUEST_STOPPED',
      message: /shut off \(shutdown\); the last line of its console is "no disk to boot"/,
    });
    await target.remove(vm, signal);
    const [disk] = targetVm().disks;
    assert.ok(disk);
    const old: readonly TargetDisk[] = ['1', '2', '3', '4', '5'].map((key) => ({
      ...disk,
      key,
      bus: 'ide',
    }));
    const mac = '00:50:56:00:00:02';
    const silent = targetVm({
      ...{ name: 'silent', disks: old },
      nics: [{ mac, network: 'user', model: 'e1000e', isConnected: false }],
    });
    const started = await moveThere(target, silent, { says: 'grub rescue' });
    await target.start(started.ref, signal);
    await assert.rejects(target.awaitBoot(started.ref, 1, signal), { reason: 'GUEST_SILENT' });
    const leaving = AbortSignal.abort(new Error('cancelled'));
    await assert.rejects(target.awaitBoot(started.ref, BOOT_MS, leaving), /cancelled/);
    await target.remove(silent, signal);
  });

  it('sends disks to a pool that it reaches only through libvirt', async () => {
    const pool = await fixture.libvirtd.makeDirectory('pool');
    await fixture.virsh('pool-define-as', 'far', 'dir', `--target=${pool}`);
    await fixture.virsh('pool-start', 'far');
    const uri = { ...parseLibvirtUri(fixture.libvirtd.uri), isLocal: false };
    const { target, workDirectory } = await fixture.target({ uri, pool: 'far' });
    const vm = targetVm({ name: 'far' });
    assert.deepEqual(codes(await target.check(vm, sourceVm(), signal)), ['no-kvm']);
    const { places } = await moveThere(target, vm);
    assert.deepEqual(await readdir(workDirectory), []);
    const [file, ...others] = await readdir(pool);
    assert.deepEqual(others, []);
    assert.match(file ?? '', /^far-0-[0-9a-f]{12}\.raw$/);
    const sent = await readFile(join(pool, file ?? ''), 'latin1');
    assert.ok(sent.includes(SAYS));
    // Again with the file still there, as after a crash in the middle of sending it.
    await target.remove(vm, signal);
    assert.deepEqual(await readdir(pool), []);
    await writeBootDisk(places[0]?.path ?? '', { says: 'first' });
    await target.adoptDisks(vm, places, signal);
    await writeBootDisk(places[0]?.path ?? '', { says: 'second' });
    await target.adoptDisks(vm, places, signal);
    assert.ok((await readFile(join(pool, file ?? ''), 'latin1')).includes('second'));
    const removed = await target.remove(vm, signal);
    assert.deepEqual(removed, [`volume ${file} of pool far`]);
  });

  it('leaves alone what is not of its job', async () => {
    const { target, images } = await fixture.target();
    const uuid = '42329208-8c5a-3254-1234-567890abcd00';
    const theirs = targetVm({ owner: 'job-1', uuid });
    await moveThere(target, theirs);
    const ours = targetVm({ owner: 'job-2', uuid });
    const found = await target.check(ours, sourceVm(), signal);
    assert.deepEqual(codes(found), ['name-taken', 'no-kvm', 'file-in-the-way']);
    await assert.rejects(moveThere(target, ours), { kind: 'already_exists' });
    assert.deepEqual(
      (await target.remove(ours, signal)).map((path) => path.startsWith(join(images, '.web-0-'))),
      [true],
    );
    const renamed = targetVm({ owner: 'job-2', name: 'other', uuid });
    assert.deepEqual(codes(await target.check(renamed, sourceVm(), signal)), [
      'uuid-taken',
      'no-kvm',
    ]);
    await assert.rejects(moveThere(target, renamed), { kind: 'already_exists' });
    await target.remove(renamed, signal);
    assert.deepEqual(await readdir(images), ['web-0.raw']);
    assert.equal((await target.remove(theirs, signal)).length, 2);
  });

  it('says before the start what is missing there', async () => {
    const { target } = await fixture.target({ pool: 'nowhere' });
    const nic = { mac: '00:50:56:00:00:01', model: 'e1000e', isConnected: true } as const;
    const vm = targetVm({
      ...{ name: 'missing', cpus: 9999, memoryMib: 2 ** 30 },
      nics: [{ ...nic, network: 'br-nowhere' }],
    });
    const found = await target.check(vm, sourceVm(), signal);
    assert.deepEqual(codes(found), [
      ...['too-many-cpus', 'no-kvm', 'too-much-memory'],
      ...['pool-missing', 'network-missing'],
    ]);
    assert.ok(found.every(({ remedy }) => remedy !== undefined));
    assert.equal(found.find(({ code }) => code === 'pool-missing')?.subject, 'Hard disk 1');
  });
});

describe('LibvirtTarget without its libvirtd', () => {
  it('tells a libvirtd that is gone from one that refuses', async () => {
    const { target } = await fixture.target();
    const vm = targetVm({ name: 'gone' });
    const { ref } = await moveThere(target, vm);
    await fixture.libvirtd.stop();
    const isUnavailable = (thrown: unknown) => isErrorKind(thrown, 'unavailable');
    await assert.rejects(target.start(ref, signal), isUnavailable);
    await assert.rejects(target.define(vm, [], signal), isUnavailable);
    const found = await target.check(vm, sourceVm(), signal);
    assert.deepEqual(codes(found), ['destination-unreachable']);
    await fixture.libvirtd.start();
    await target.define(vm, [], signal);
    assert.equal((await target.remove(vm, signal)).length, 2);
  });
});

function codes(found: readonly { readonly code: string }[]): readonly string[] {
  return found.map(({ code }) => code);
}
