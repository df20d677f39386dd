/**
 * The real virt-v2v, and a real guest. It takes minutes, and brings hundreds of megabytes of
 * packages, so it runs only where DROVER_TEST_V2V names a disk with a Linux that boots by BIOS and
 * says `login:` on its first serial port, such as scripts/build-v2v-guest.sh makes.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { copyFile, mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { probeAccelerator } from '#backends/qemu/accelerator-probe.ts';
import { VirtV2vPreparer } from '#backends/virt-v2v/virt-v2v-preparer.ts';
import { systemClock } from '#kernel/clock.ts';
import { writeBootDisk } from '#test/libvirt/boot-sector.ts';
import { targetVm } from '#test/libvirt/libvirt-fixture.ts';

const IMAGE = process.env['DROVER_TEST_V2V'];
const skip = IMAGE === undefined && 'DROVER_TEST_V2V names no disk with a guest';
const BOOT_MS = 600_000;

async function prepare(t: TestContext, put: (path: string) => Promise<void>) {
  const directory = await mkdtemp(join(tmpdir(), 'drover-v2v-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'guest.qcow2');
  await put(path);
  const [disk] = targetVm().disks;
  assert.ok(disk);
  const vm = targetVm({ disks: [{ ...disk, format: 'qcow2' }] });
  const places = [{ key: disk.key, path }];
  const said: string[] = [];
  const { accelerator } = await probeAccelerator('auto', { clock: systemClock });
  const environment = { HOME: process.env['HOME'] };
  const preparer = new VirtV2vPreparer({ clock: systemClock, environment, accelerator });
  const prepared = await preparer.prepare(vm, places, {
    signal: t.signal,
    log: (_level, text) => said.push(text),
  });
  t.diagnostic(said.join('\n'));
  await preparer.settle(places);
  assert.deepEqual(await readdir(directory), ['guest.qcow2']);
  return { prepared, path };
}

/** What it says until it asks who is there. */
async function bootOnVirtio(path: string): Promise<string> {
  const disk = `file=${path},if=virtio,format=qcow2,cache=unsafe`;
  const machine = ['-M', 'q35', '-cpu', 'max', '-accel', 'tcg', '-m', '512', '-nodefaults'];
  const args = [...machine, '-drive', disk, '-display', 'none', '-serial', 'stdio'];
  const guest = spawn('qemu-system-x86_64', args, {
    ...{ signal: AbortSignal.timeout(BOOT_MS), killSignal: 'SIGKILL' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  guest.on('error', () => undefined);
  let said = '';
  for await (const chunk of guest.stdout) {
    said += String(chunk);
    if (said.includes('login:')) break;
  }
  guest.kill('SIGKILL');
  return said;
}

describe('VirtV2vPreparer with the real virt-v2v', { skip }, () => {
  it('puts virtio into a guest, which boots from it', async (t) => {
    const { prepared, path } = await prepare(t, (to) => copyFile(IMAGE ?? '', to));
    assert.deepEqual(prepared, { hasVirtio: true, findings: [] });
    assert.match(await bootOnVirtio(path), /login:/);
  });

  it('leaves a disk that holds no system as it was, and says why', async (t) => {
    let before: Buffer | undefined;
    const { prepared, path } = await prepare(t, async (to) => {
      await writeBootDisk(`${to}.raw`, { says: 'no system' });
      await truncate(`${to}.raw`, 8 * 1024 * 1024);
      await promisify(execFile)('qemu-img', ['convert', '-O', 'qcow2', `${to}.raw`, to]);
      await rm(`${to}.raw`);
      before = await readFile(to);
    });
    assert.equal(prepared.hasVirtio, false);
    const [finding] = prepared.findings;
    assert.equal(finding?.code, 'guest-not-prepared');
    assert.match(finding?.message ?? '', /inspection could not detect/);
    assert.deepEqual(await readFile(path), before);
  });
});
