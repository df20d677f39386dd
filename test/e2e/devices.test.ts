/** Disks and NICs of real guests: what a guest writes stays where it belongs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

import { ask } from '#test/api-client.ts';
import { BARE, consoleSays, createDemo, infoOf, READY, runDemo } from '#test/demo-vm.ts';
import { customerDir, DroverHost } from '#test/drover-host.ts';

const MIB = 1024 * 1024;

async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

/** A raw disk that begins with these words; QEMU's own user may write it. */
async function writeRawDisk(path: string, text: string): Promise<string> {
  await writeFile(path, Buffer.concat([Buffer.from(text)], MIB));
  await chmod(path, 0o666);
  return path;
}

async function writeQcow2Disk(path: string, text: string): Promise<string> {
  const raw = await writeRawDisk(`${path}.raw`, text);
  const args = ['convert', '-f', 'raw', '-O', 'qcow2', raw, path];
  await promisify(execFile)('qemu-img', args);
  return path;
}

/** Tells what it finds on each disk, then writes to it. */
const DISK_SCRIPT = `
  for disk in vdb vdc vdd; do
    echo "$disk had: $(dd if=/dev/$disk bs=8 count=1 2>/dev/null)"
    { echo written | dd of=/dev/$disk bs=8 count=1 conv=notrunc; } 2>/dev/null ||
      echo "$disk refuses"
  done
  sync
  echo disks done
`;

describe('the disks of a machine', { concurrency: 2 }, () => {
  it('keep what the guest wrote, each where its options say', async (t) => {
    const host = await DroverHost.start(t);
    const folder = await customerDir(host, '123');
    const shared = await writeQcow2Disk(join(host.imagesDir, 'shared.qcow2'), 'pristine');
    const own = await writeRawDisk(join(folder, 'own.img'), 'original');
    const locked = await writeRawDisk(join(host.imagesDir, 'locked.img'), 'constant');
    const root = join(host.imagesDir, 'demo/rootfs.ext4');
    const before = await Promise.all([root, shared, locked].map(sha256));
    const vmId = await createDemo(host, {
      script: DISK_SCRIPT,
      disks: [
        { device_id: 'overlaid', path_on_host: '/assets/shared.qcow2' },
        {
          device_id: 'own',
          path_on_host: '/assets/customers/123/own.img',
          options: { write_mode: 'direct' },
        },
        { device_id: 'locked', path_on_host: '/assets/locked.img', is_read_only: true },
      ],
    });
    await ask(host, 'BootVm', { vm_id: vmId });
    const first = await consoleSays(host, vmId, /boots: 1[^]*disks done/);
    assert.match(first.input, /vdb had: pristine/);
    assert.match(first.input, /vdc had: original/);
    assert.match(first.input, /vdd had: constant\r?\n[^]*vdd refuses/);
    assert.equal((await ask(host, 'ShutdownVm', { vm_id: vmId })).outcome, 'guest');
    assert.match((await readFile(own)).toString('utf8', 0, 8), /^written/);

    await ask(host, 'BootVm', { vm_id: vmId });
    const second = await consoleSays(host, vmId, /boots: 2[^]*disks done/);
    assert.match(second.input, /boots: 2[^]*vdb had: written[^]*vdc had: written/);
    assert.match(second.input, /boots: 2[^]*vdd had: constant/);
    await ask(host, 'DeleteVm', { vm_id: vmId, force: true });
    assert.deepEqual(await Promise.all([root, shared, locked].map(sha256)), before);
    assert.match((await readFile(own)).toString('utf8', 0, 8), /^written/);
    assert.deepEqual(await host.machineDirs(), []);
  });

  it('are overlaid for each machine by itself, though they share an image', async (t) => {
    const host = await DroverHost.start(t);
    const one = await runDemo(host);
    await ask(host, 'RebootVm', { vm_id: one });
    await consoleSays(host, one, /boots: 2/);
    const other = await createDemo(host);
    await ask(host, 'BootVm', { vm_id: other });
    await consoleSays(host, other, /boots: 1/);
  });

  it('written directly by one running machine are refused to a second', async (t) => {
    const host = await DroverHost.start(t);
    await writeRawDisk(join(await customerDir(host, '123'), 'single.img'), 'mine');
    const path = '/assets/customers/123/single.img';
    const disk = { device_id: 'own', path_on_host: path, options: { write_mode: 'direct' } };
    await runDemo(host, { ...BARE, disks: [disk] });
    const second = await createDemo(host, { ...BARE, disks: [disk] });
    await assert.rejects(ask(host, 'BootVm', { vm_id: second }), /412 .*DISK_IN_USE/);
    assert.equal((await infoOf(host, second)).state, 'VM_STATE_CREATED');
    assert.equal((await host.guests()).size, 1);
  });
});

describe('the NICs of a machine', () => {
  it('come in order, with the MACs they are said to have, the same at each boot', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, {
      script: 'for at in 0 1; do echo "eth$at is $(cat /sys/class/net/eth$at/address)."; done',
      network: [
        { interface_id: 'front', guest_mac: 'auto' },
        { interface_id: 'back', guest_mac: '02:00:00:00:be:ef' },
      ],
    });
    const { interfaces } = (await infoOf(host, vmId)).network_info;
    const [front, back] = interfaces;
    assert.deepEqual([front.interface_id, back.interface_id], ['front', 'back']);
    assert.equal(back.guest_mac, '02:00:00:00:be:ef');
    const said = new RegExp(`eth0 is ${front.guest_mac}\\.[^]*eth1 is ${back.guest_mac}\\.`);
    const { index, 0: text } = await consoleSays(host, vmId, said);
    await ask(host, 'RebootVm', { vm_id: vmId });
    await consoleSays(host, vmId, said, { offset: index + text.length });
    assert.deepEqual((await infoOf(host, vmId)).network_info.interfaces, interfaces);
  });
});

describe('console.output_file', () => {
  it("names a file in the machine's own directory, whatever its path says", async (t) => {
    const host = await DroverHost.start(t);
    const console = { type: 'VIRTIO_CONSOLE', output_file: '/tmp/drover-e2e-console.log' };
    const vmId = await runDemo(host, { ...BARE, config: { console } });
    const path = join(host.machineDir(vmId), 'output', 'drover-e2e-console.log');
    assert.match(await readFile(path, 'utf8'), READY);
    await assert.rejects(readFile('/tmp/drover-e2e-console.log'), /ENOENT/);
    await ask(host, 'DeleteVm', { vm_id: vmId, force: true });
    await assert.rejects(readFile(path), /ENOENT/);
  });
});
