/** Machines whose disk boots by itself, through the two firmwares a q35 can have. */
import assert from 'node:assert/strict';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { ask } from '#test/api-client.ts';
import { consoleSays, demoConfig, infoOf } from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';

const MIB = 1024 * 1024;
const TEXT = 'the boot sector runs\r\n';

/** x86 in real mode: writes the text behind it to the first serial port, then stands still. */
const BOOT_CODE = [
  ...[0xfc, 0x31, 0xc0, 0x8e, 0xd8], // cld; xor ax,ax; mov ds,ax
  ...[0xba, 0xf8, 0x03], // mov dx,0x3f8
  ...[0xbe, 0x16, 0x7c], // mov si,0x7c16, where the text lies
  ...[0xac, 0x08, 0xc0, 0x74, 0x03], // next: lodsb; or al,al; jz halt
  ...[0xee, 0xeb, 0xf8], // out dx,al; jmp next
  ...[0xf4, 0xeb, 0xfd], // halt: hlt; jmp halt
];

async function writeBootDisk(path: string): Promise<void> {
  const disk = Buffer.alloc(MIB);
  Buffer.from(BOOT_CODE).copy(disk);
  disk.write(`${TEXT}\0`, BOOT_CODE.length);
  disk.writeUInt16LE(0xaa55, 510);
  await writeFile(path, disk);
}

function firmwareConfig(firmware: 'bios' | 'uefi', path: string) {
  return demoConfig({
    config: {
      boot: { boot_options: { firmware } },
      storage: [{ device_id: 'disk', path_on_host: path, is_root_device: true }],
    },
  });
}

async function isUefiMissing(): Promise<string | false> {
  for (const name of ['OVMF_CODE_4M.fd', 'OVMF_CODE.fd']) {
    try {
      await access(`/usr/share/OVMF/${name}`);
      return false;
    } catch {
      // Perhaps under the other name.
    }
  }
  return 'needs the package ovmf';
}

const skip = await isUefiMissing();

describe('a machine that boots by its firmware', { concurrency: 2 }, () => {
  it('runs the boot sector of its root disk by BIOS, not that of another', async (t) => {
    const host = await DroverHost.start(t);
    await writeBootDisk(join(host.imagesDir, 'boot.img'));
    const config = firmwareConfig('bios', '/assets/boot.img');
    config.storage.unshift({ device_id: 'data', path_on_host: '/assets/demo/rootfs.ext4' });
    const { vm_id: vmId } = await ask(host, 'CreateVm', { config });
    await ask(host, 'BootVm', { vm_id: vmId });
    const said = await consoleSays(host, vmId, /the boot sector runs\r\n/);
    const offset = said.index + said[0].length;
    const reset = await ask(host, 'RebootVm', { vm_id: vmId, force: true });
    assert.equal(reset.outcome, 'reset');
    await consoleSays(host, vmId, /the boot sector runs\r\n/, { offset });
    const down = await ask(host, 'ShutdownVm', { vm_id: vmId, timeout_seconds: 1 });
    assert.equal(down.outcome, 'killed-after-timeout');
  });

  it('starts UEFI, which keeps settings of its own', { skip }, async (t) => {
    const host = await DroverHost.start(t);
    await writeFile(join(host.imagesDir, 'blank.img'), Buffer.alloc(MIB, 1));
    const config = firmwareConfig('uefi', '/assets/blank.img');
    const { vm_id: vmId } = await ask(host, 'CreateVm', { config });
    await ask(host, 'BootVm', { vm_id: vmId });
    await consoleSays(host, vmId, /BdsDxe|UEFI Interactive Shell/);
    await access(join(host.machineDir(vmId), 'efi-vars.fd'));
    assert.equal((await infoOf(host, vmId)).state, 'VM_STATE_RUNNING');
    await ask(host, 'DeleteVm', { vm_id: vmId, force: true });
    assert.deepEqual(await host.machineDirs(), []);
  });
});
