import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';

import { DroverError } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import type { MachineSpec } from '#machines/machine-spec.ts';
import { nicOf } from '#test/contract/host-network.ts';
import { launchRequest, waitForConsole } from '#test/contract/hypervisor.ts';
import { diskSpec } from '#test/contract/machine-spec.ts';
import { openQemuHarness, type QemuHarness } from '#test/qemu-hypervisor.ts';
import { findQemuUser } from './qemu-user.ts';
import { IS_WHOLE } from '#test/whole.ts';

const NEVER = new AbortController().signal;
const ID = 'vm_qemu_1' as MachineId;
const READY = 'drover-demo ready';
const asRoot = { skip: process.getuid?.() !== 0 && 'needs root' };

/** For the demo guest's demo.run: a script, in the form its kernel arguments take. */
function runScript(script: string): string {
  return `demo.run=${Buffer.from(script).toString('base64')}`;
}

describe('a QEMU guest', () => {
  if (IS_WHOLE) {
    it('keeps what it wrote to its disk through a boot, and the image as it was', async () => {
      await using harness = await openQemuHarness();
      const { hypervisor, image } = harness;
      const spec = harness.demoSpec();
      const before = await stat(image.rootDiskPath);
      const log = hypervisor.console(ID);
      for (const boot of [1, 2]) {
        await using guest = await hypervisor.launch(launchRequest(ID, spec), NEVER);
        await waitForConsole(log, `drover-demo boots: ${boot}`);
        await guest.askToPowerOff(NEVER);
        assert.equal((await guest.exited).reason, 'guest-poweroff');
      }
      assert.equal((await stat(image.rootDiskPath)).mtimeMs, before.mtimeMs);
    });
  }

  if (IS_WHOLE) {
    it('says that it reset itself, within the same process', async () => {
      await using harness = await openQemuHarness();
      const { hypervisor } = harness;
      const spec = harness.demoSpec(
        runScript('[ "$(cat /var/boots)" = 1 ] && /etc/drover/power reboot'),
      );
      const reset = Promise.withResolvers<void>();
      await using guest = await hypervisor.launch(launchRequest(ID, spec), NEVER);
      guest.onReset(() => reset.resolve());
      await reset.promise;
      await waitForConsole(hypervisor.console(ID), 'drover-demo boots: 2');
      assert.equal(await guest.status(NEVER), 'running');
      await guest.kill(NEVER);
    });
  }

  // test/e2e/guest-power shows the same.
  if (IS_WHOLE) {
    it('stands still while it is paused', async () => {
      await using harness = await openQemuHarness();
      const { hypervisor } = harness;
      const spec = harness.demoSpec('demo.ticks');
      await using guest = await hypervisor.launch(launchRequest(ID, spec), NEVER);
      const log = hypervisor.console(ID);
      await waitForConsole(log, 'tick 2');
      await guest.pause(NEVER);
      const { nextOffset } = await log.read(-1, 1);
      // Two of its ticks would fall into this time.
      await assert.rejects(
        waitForConsole(log, 'tick', { offset: nextOffset, timeoutMs: 2500 }),
        /no "tick"/,
      );
      await guest.resume(NEVER);
      await waitForConsole(log, 'tick', { offset: nextOffset });
      await guest.kill(NEVER);
    });
  }

  it('offers hvc0 beside ttyS0 when a virtio console is asked for, in one log', async () => {
    await using harness = await openQemuHarness();
    const { hypervisor } = harness;
    const spec = harness.demoSpec(runScript('echo via hvc0 > /dev/hvc0; echo via ttyS0'), {
      console: { isEnabled: true, type: 'virtio-console', outputFile: 'boot.log' },
    });
    await using guest = await hypervisor.launch(launchRequest(ID, spec), NEVER);
    const log = hypervisor.console(ID);
    await waitForConsole(log, 'via hvc0');
    await waitForConsole(log, 'via ttyS0');
    const directory = join(harness.directory, 'machines', ID);
    const output = await readFile(join(directory, 'output', 'boot.log'), 'latin1');
    assert.ok(output.includes('via hvc0'));
    await guest.kill(NEVER);
  });

  it('loses no byte of its console when the log is rotated', async () => {
    await using harness = await openQemuHarness({ consoleFileBytes: 4096 });
    const { hypervisor } = harness;
    const lines = 'i=$((i+1)); echo "line $i."; echo -n "~" >&3';
    const pauses = '[ $((i % 300)) = 0 ] && sleep 1';
    const loop = `i=0; while [ $i -lt 1500 ]; do ${lines}; ${pauses}; done; echo all said`;
    const spec = harness.demoSpec(runScript(`exec 3> /dev/hvc0; ${loop}`), {
      console: { isEnabled: true, type: 'virtio-console', outputFile: 'boot.log' },
    });
    await using guest = await hypervisor.launch(launchRequest(ID, spec), NEVER);
    const seen = await waitForConsole(hypervisor.console(ID), 'all said');
    // The second console's may come in the middle of the first one's lines.
    const lined = seen.replaceAll('~', '').matchAll(/line (\d+)\./g);
    assert.deepEqual(
      [...lined].map((match) => Number(match[1])),
      Array.from({ length: 1500 }, (_, at) => at + 1),
    );
    assert.equal(seen.split('~').length - 1, 1500);
    const first = await hypervisor.console(ID).read(0, 10);
    assert.ok(first.isTruncated && first.offset > 4096);
    const names = await readdir(join(harness.directory, 'machines', ID));
    assert.ok(names.filter((name) => name.startsWith('console.log')).length <= 3);
    await guest.kill(NEVER);
  });

  it('boots on q35 with two disks and user networking', async () => {
    await using harness = await openQemuHarness();
    const { hypervisor, image, directory } = harness;
    const data = join(directory, 'data, with=comma.img');
    await writeFile(data, Buffer.alloc(1024 * 1024));
    const { boot } = harness.demoSpec();
    assert.ok(boot.kind === 'kernel');
    const script = runScript(
      'cat /sys/block/vda/size /sys/block/vdb/size | tr "\\n" " "; echo sizes',
    );
    const nic = nicOf('eth0', '52:54:00:00:00:01');
    const spec = harness.demoSpec(script, {
      boot: { ...boot, machineType: 'q35', kernelArgs: `${boot.kernelArgs} ${script}` },
      disks: [
        diskSpec('data', data, { sizeBytes: 1024 * 1024, writeMode: 'direct' }),
        diskSpec('rootfs', image.rootDiskPath, { isRoot: true }),
      ],
      nics: [nic],
    });
    const request = {
      ...launchRequest(ID, spec),
      nics: [{ kind: 'user', nic, leases: [] }],
    } as const;
    await using guest = await hypervisor.launch(request, NEVER);
    await waitForConsole(hypervisor.console(ID), '131072 2048 sizes');
    const stats = await guest.stats(NEVER);
    assert.ok(stats.diskReadBytes > 0);
    assert.equal(stats.netRxBytes, undefined);
    await guest.askToPowerOff(NEVER);
    assert.equal((await guest.exited).reason, 'guest-poweroff');
  });
});

/** Writes a mark to the serial port, as a disk that boots by itself; no firmware calls needed. */
function bootSector(mark: string): Buffer {
  const sector = Buffer.alloc(1024 * 1024);
  // For each character: mov dx,0x3f8; mov al,CHARACTER; out dx,al. Then: hlt; jmp back to it.
  const code = [...Buffer.from(mark)].flatMap((character) => [
    0xba,
    0xf8,
    0x03,
    0xb0,
    character,
    0xee,
  ]);
  sector.set([...code, 0xf4, 0xeb, 0xfd]);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

describe('a QEMU guest that boots by firmware', () => {
  it('boots the root disk by BIOS', async () => {
    await using harness = await openQemuHarness();
    const path = join(harness.directory, 'boot.img');
    await writeFile(path, bootSector('it booted'));
    const disk = diskSpec('root', path, { isRoot: true, sizeBytes: 1024 * 1024 });
    const boot = { kind: 'firmware', machineType: 'q35', firmware: 'bios' } as const;
    const request = launchRequest(ID, harness.demoSpec('', { boot, disks: [disk] }));
    await using guest = await harness.hypervisor.launch(request, NEVER);
    await waitForConsole(harness.hypervisor.console(ID), 'it booted');
    await guest.kill(NEVER);
  });

  // test/e2e/firmware shows the same.
  if (IS_WHOLE) {
    it('starts UEFI and keeps its settings in the folder of the machine', async () => {
      await using harness = await openQemuHarness();
      const path = join(harness.directory, 'boot.img');
      await writeFile(path, Buffer.alloc(1024 * 1024));
      const disk = diskSpec('root', path, { isRoot: true, sizeBytes: 1024 * 1024 });
      const boot = { kind: 'firmware', machineType: 'q35', firmware: 'uefi' } as const;
      const request = launchRequest(ID, harness.demoSpec('', { boot, disks: [disk] }));
      await using guest = await harness.hypervisor.launch(request, NEVER);
      await waitForConsole(harness.hypervisor.console(ID), 'BdsDxe');
      await guest.kill(NEVER);
      const vars = await stat(join(harness.directory, 'machines', ID, 'efi-vars.fd'));
      assert.ok(vars.size > 0);
    });
  }
});

describe('QEMU as a process', () => {
  it('takes no option from a path or a name', async () => {
    await using harness = await openQemuHarness();
    const { hypervisor, image, directory } = harness;
    const folder = join(directory, 'a,file=b -device x"}');
    await mkdir(folder);
    const disk = join(folder, 'disk,read-only=off","x":"y.img');
    const kernel = join(folder, '-kernel,x=y');
    await symlink(image.rootDiskPath, disk);
    await symlink(image.kernelPath, kernel);
    const spec = harness.demoSpec('', { disks: [diskSpec('d"},x=y', disk, { isRoot: true })] });
    assert.ok(spec.boot.kind === 'kernel');
    const boot = { ...spec.boot, kernelPath: kernel };
    await using guest = await hypervisor.launch(launchRequest(ID, { ...spec, boot }), NEVER);
    await waitForConsole(hypervisor.console(ID), READY);
    await guest.kill(NEVER);
  });

  it('is controlled from a state directory too deep for a socket path', async () => {
    await using harness = await openQemuHarness();
    const stateDir = join(harness.directory, 'deep'.repeat(20), 'deeper'.repeat(10));
    const hypervisor = harness.reopen({ stateDir });
    await using guest = await hypervisor.launch(launchRequest(ID, harness.spec), NEVER);
    assert.ok(guest.record.socketPath.length > 107);
    await guest[Symbol.asyncDispose]();
    await using adopted = await hypervisor.adopt(ID, guest.record, NEVER);
    assert.equal(await adopted?.status(NEVER), 'running');
    await adopted?.kill(NEVER);
  });

  it('stays honest and killable when its socket is gone', async () => {
    await using harness = await openQemuHarness();
    const { hypervisor, spec } = harness;
    await using guest = await hypervisor.launch(launchRequest(ID, spec), NEVER);
    await rm(guest.record.socketPath);
    assert.equal(await guest.status(NEVER), 'running');
    await guest[Symbol.asyncDispose]();
    await using adopted = await harness.reopen().adopt(ID, guest.record, NEVER);
    assert.ok(adopted !== undefined);
    await assert.rejects(adopted.status(NEVER), { kind: 'unavailable' });
    await adopted.kill(NEVER);
    assert.equal((await adopted.exited).reason, 'killed');
  });

  it('stays honest and killable when it is stopped and answers nothing', async () => {
    await using harness = await openQemuHarness();
    const { hypervisor, spec } = harness;
    await using guest = await hypervisor.launch(launchRequest(ID, spec), NEVER);
    process.kill(guest.record.pid, 'SIGSTOP');
    await assert.rejects(guest.stats(NEVER), { kind: 'deadline_exceeded' });
    await guest.kill(NEVER);
    assert.equal((await guest.exited).reason, 'killed');
  });

  it('is noticed gone within a second by who adopted it', async () => {
    await using harness = await openQemuHarness();
    const { hypervisor, spec } = harness;
    const first = await hypervisor.launch(launchRequest(ID, spec), NEVER);
    await first[Symbol.asyncDispose]();
    await using adopted = await harness.reopen().adopt(ID, undefined, NEVER);
    assert.ok(adopted !== undefined);
    const late = AbortSignal.timeout(1000);
    process.kill(first.record.pid, 'SIGKILL');
    assert.equal((await adopted.exited).reason, 'process-died');
    assert.ok(!late.aborted);
  });

  it('is found even when neither a record nor a pid file tells of it', async () => {
    await using harness = await openQemuHarness();
    const { hypervisor, spec } = harness;
    const first = await hypervisor.launch(launchRequest(ID, spec), NEVER);
    await first[Symbol.asyncDispose]();
    await rm(join(harness.directory, 'machines', ID, 'qemu.pid'));
    await using adopted = await harness.reopen().adopt(ID, undefined, NEVER);
    assert.equal(adopted?.record.pid, first.record.pid);
    await adopted?.kill(NEVER);
  });

  it('leaves no process behind when it cannot start, and says why', async () => {
    await using harness = await openQemuHarness();
    const { hypervisor, spec } = harness;
    const bad = { ...spec, cpu: { ...spec.cpu, features: { 'no-such-feature': 'on' } } };
    await assert.rejects(hypervisor.launch(launchRequest(ID, bad), NEVER), {
      kind: 'failed_precondition',
      reason: 'CPU_FEATURE_UNKNOWN',
    });
    assert.equal(await hypervisor.adopt(ID, undefined, NEVER), undefined);
    const missing = harness.reopen({ binary: 'no-such-qemu' });
    await assert.rejects(missing.launch(launchRequest(ID, spec), NEVER), {
      reason: 'PROGRAM_MISSING',
    });
    assert.equal((await missing.health(NEVER)).isHealthy, false);
  });

  it('refuses a disk that another guest writes to', async () => {
    await using harness = await openQemuHarness();
    const { hypervisor, directory } = harness;
    const path = join(directory, 'own.img');
    await writeFile(path, Buffer.alloc(1024 * 1024));
    const disk = diskSpec('own', path, { sizeBytes: 1024 * 1024, writeMode: 'direct' });
    const spec = { ...harness.spec, disks: [...harness.spec.disks, disk] };
    await using guest = await hypervisor.launch(launchRequest(ID, spec), NEVER);
    const other = launchRequest('vm_qemu_2' as MachineId, spec);
    await assert.rejects(hypervisor.launch(other, NEVER), { reason: 'DISK_IN_USE' });
    await guest.kill(NEVER);
  });

  it('runs as an unprivileged user in a session of its own', asRoot, async () => {
    const runAs = await findQemuUser();
    assert.ok(runAs !== undefined);
    await using harness = await openQemuHarness({ runAs });
    const { hypervisor } = harness;
    const spec = await withImagesReadable(harness);
    await using guest = await hypervisor.launch(launchRequest(ID, spec), NEVER);
    const { pid } = guest.record;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    assert.match(status, new RegExp(`^Uid:\\s+${runAs.uid}\\s+${runAs.uid}`, 'm'));
    assert.match(status, /^CapEff:\s+0+$/m);
    assert.match(status, /^Seccomp:\s+2$/m);
    assert.equal((await stat(join(harness.directory, 'machines', ID))).mode & 0o777, 0o700);
    const session = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[3];
    assert.equal(Number(session), pid);
    await waitForConsole(hypervisor.console(ID), READY);
    await guest.kill(NEVER);
  });

  it('opens the tap of an unprivileged guest where the device is root only', asRoot, async () => {
    const runAs = await findQemuUser();
    assert.ok(runAs !== undefined);
    await using harness = await openQemuHarness({ runAs });
    const spec = await withImagesReadable(harness);
    const tapDevice = `dtt${process.pid}`.slice(0, 15);
    const ip = (...args: string[]) => execFileSync('ip', ['tuntap', ...args]);
    ip('add', 'dev', tapDevice, 'mode', 'tap', 'user', String(runAs.uid), 'vnet_hdr');
    try {
      const nic = nicOf('eth0', '52:54:00:00:00:02');
      const tap = { kind: 'tap', nic, tapDevice, bridge: 'none', leases: [] } as const;
      const request = { ...launchRequest(ID, spec), nics: [tap] };
      await using guest = await harness.hypervisor.launch(request, NEVER);
      const { pid } = guest.record;
      const info = await readFile(`/proc/${pid}/status`, 'utf8');
      assert.match(info, new RegExp(`^Uid:\\s+${runAs.uid}`, 'm'));
      assert.match((await readFile(`/proc/${pid}/comm`)).toString(), /^qemu/);
      assert.equal((await guest.stats(NEVER)).netRxBytes, 0);
      await guest.kill(NEVER);
    } finally {
      ip('del', 'dev', tapDevice, 'mode', 'tap');
    }
  });

  it('names the user and the file when that user may not read it', asRoot, async () => {
    const runAs = await findQemuUser();
    assert.ok(runAs !== undefined);
    await using harness = await openQemuHarness({ runAs });
    const spec = await withImagesReadable(harness);
    assert.ok(spec.boot.kind === 'kernel');
    await chmod(spec.boot.kernelPath, 0o600);
    await assert.rejects(harness.hypervisor.launch(launchRequest(ID, spec), NEVER), (thrown) => {
      assert.ok(thrown instanceof DroverError);
      assert.equal(thrown.kind, 'failed_precondition');
      assert.match(thrown.message, new RegExp(`runs as the user ${runAs.name}.*chmod o\\+r /`));
      return true;
    });
  });
});

/** Copies of what a guest boots from where any user can reach them, wherever the checkout lies. */
async function withImagesReadable(harness: QemuHarness): Promise<MachineSpec> {
  const { image, directory, spec } = harness;
  await chmod(directory, 0o755);
  const copy = async (path: string) => {
    const target = join(directory, basename(path));
    await copyFile(path, target);
    await chmod(target, 0o644);
    return target;
  };
  assert.ok(spec.boot.kind === 'kernel');
  await chmod(spec.boot.kernelPath, 0o644);
  const disks = [diskSpec('rootfs', await copy(image.rootDiskPath), { isRoot: true })];
  return { ...spec, disks };
}
