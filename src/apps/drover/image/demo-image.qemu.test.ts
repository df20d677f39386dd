/**
 * Builds the demo image from Debian's packages and boots it with QEMU alone, emulated, on both
 * machine types. Needs the packages qemu-system-x86, e2fsprogs and busybox-static, and apt.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { BuiltImage } from './built-image.ts';
import { buildDemoImage } from './demo-image.ts';
import { readImage } from './image-directory.ts';
import { readTscKhz } from '#backends/qemu/tsc-frequency.ts';
import { IS_WHOLE } from '#test/whole.ts';

const BOOT_DEADLINE_MS = 120_000;
const KERNEL_ARGS = 'console=ttyS0 reboot=k panic=1 quiet cryptomgr.notests root=/dev/vda';
/** Kept between runs, so that a run needs no mirror. */
const PACKAGE_CACHE = fileURLToPath(
  new URL('../../../../node_modules/.cache/drover/packages', import.meta.url),
);

interface BootOptions {
  readonly image: BuiltImage;
  readonly directory: string;
  readonly machineType: 'microvm,acpi=on' | 'q35';
  readonly disk: string;
  readonly isDiskReadOnly?: boolean;
  readonly kernelArgs?: string;
}

/** One QEMU process, the lines of its console, its monitor and its guest agent's port. */
class BootedGuest implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #process: ChildProcess;
  readonly #directory: string;
  readonly #waiting = new Set<() => void>();
  readonly #exit: Promise<number | null>;
  #isOver = false;

  constructor(options: BootOptions, id: number) {
    this.#directory = join(options.directory, `guest-${id}`);
    this.#process = spawn('qemu-system-x86_64', qemuArguments(options, this.#directory), {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      assert.ok(stream);
      createInterface(stream).on('line', (line) => {
        this.lines.push(line);
        this.#wake();
      });
    }
    const { promise, resolve } = Promise.withResolvers<number | null>();
    this.#exit = promise;
    this.#process.on('error', (thrown) => this.lines.push(`qemu-system-x86_64: ${String(thrown)}`));
    this.#process.on('close', (code) => {
      this.#isOver = true;
      this.#wake();
      resolve(code);
    });
  }

  /** The first line, past or to come, that the pattern matches. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(BOOT_DEADLINE_MS);
    for (;;) {
      for (const line of this.lines) {
        const match = pattern.exec(line);
        if (match !== null) return match;
      }
      const seen = () => `${String(pattern)} is not among:\n${this.lines.join('\n')}`;
      if (this.#isOver) throw new Error(`QEMU ended, and ${seen()}`);
      await this.#change(deadline).catch((thrown: unknown) => {
        throw new Error(`waited too long: ${seen()}`, { cause: thrown });
      });
    }
  }

  async exit(): Promise<number | null> {
    return this.#exit;
  }

  async monitor(command: string): Promise<void> {
    const socket = await openSocket(join(this.#directory, 'qmp.sock'));
    try {
      const replies = createInterface(socket);
      const greeted = once(replies, 'line');
      await greeted;
      for (const execute of ['qmp_capabilities', command]) {
        const replied = once(replies, 'line');
        socket.write(`${JSON.stringify({ execute })}\n`);
        await replied;
      }
    } finally {
      socket.destroy();
    }
  }

  /** Sends lines to the guest agent and takes as many back. */
  async agent(requests: readonly object[]): Promise<unknown[]> {
    const socket = await openSocket(join(this.#directory, 'agent.sock'));
    try {
      const replies = createInterface(socket);
      const answers: unknown[] = [];
      for (const request of requests) {
        const replied = once(replies, 'line', { signal: AbortSignal.timeout(BOOT_DEADLINE_MS) });
        socket.write(`${JSON.stringify(request)}\n`);
        answers.push(JSON.parse(String((await replied)[0])));
      }
      return answers;
    } finally {
      socket.destroy();
    }
  }

  /** For a request that is answered by the guest's end alone. */
  async tellAgent(request: object): Promise<void> {
    const socket = await openSocket(join(this.#directory, 'agent.sock'));
    socket.write(`${JSON.stringify(request)}\n`);
    await this.exit();
    socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exit;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.add(resolve);
    await promise.finally(() => signal.removeEventListener('abort', onAbort));
  }
}

function qemuArguments(options: BootOptions, directory: string): string[] {
  const { image, machineType } = options;
  const bus = machineType === 'q35' ? 'pci' : 'device';
  const readOnly = options.isDiskReadOnly === true ? ',readonly=on' : '';
  const agent = 'virtserialport,chardev=agent,name=org.qemu.guest_agent.0';
  return [
    ...['-M', machineType, '-accel', 'tcg', '-m', '256', '-nodefaults', '-no-user-config'],
    ...['-display', 'none', '-serial', 'stdio', '-no-reboot'],
    ...['-kernel', join(image.directory, 'vmlinuz')],
    ...['-initrd', join(image.directory, 'initrd.img')],
    ...['-append', `${KERNEL_ARGS} ${options.kernelArgs ?? ''}`],
    ...['-drive', `id=root,file=${options.disk},format=raw,if=none${readOnly}`],
    ...['-device', `virtio-blk-${bus},drive=root`],
    ...['-netdev', 'user,id=net,restrict=on', '-device', `virtio-net-${bus},netdev=net`],
    ...['-qmp', `unix:${join(directory, 'qmp.sock')},server=on,wait=off`],
    ...['-chardev', `socket,id=agent,path=${join(directory, 'agent.sock')},server=on,wait=off`],
    ...['-device', `virtio-serial-${bus}`, '-device', agent],
  ];
}

async function openSocket(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, 'connect');
  return socket;
}

describe('the demo image', { timeout: 10 * 60_000 }, () => {
  let directory: string;
  let image: BuiltImage;
  let guests = 0;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'drover-demo-'));
    image = await build({});
  });
  after(() => rm(directory, { recursive: true }));

  function build(options: { force?: boolean; signal?: AbortSignal; progress?: () => void }) {
    return buildDemoImage({
      imagesDir: join(directory, 'images'),
      workDir: PACKAGE_CACHE,
      force: options.force ?? false,
      signal: options.signal ?? AbortSignal.timeout(BOOT_DEADLINE_MS),
      progress: options.progress ?? (() => {}),
    });
  }

  async function boot(options: Omit<BootOptions, 'image' | 'directory'>): Promise<BootedGuest> {
    guests += 1;
    await mkdir(join(directory, `guest-${guests}`));
    return new BootedGuest({ image, directory, ...options }, guests);
  }

  async function copyOfDisk(name: string): Promise<string> {
    const disk = join(directory, name);
    await copyFile(join(image.directory, 'rootfs.ext4'), disk);
    return disk;
  }

  /**
   * A microvm has no clock to measure the processor's counter against but the one QEMU may be too
   * busy to run evenly, and its kernel stops without that rate; q35 has more clocks.
   */
  async function counterRate(): Promise<string> {
    const khz = await readTscKhz();
    return khz === undefined ? '' : `tsc_early_khz=${khz} tsc=reliable`;
  }

  it('is read back as it was built, and says what a machine of it needs', async () => {
    const read = await readImage(join(directory, 'images'), 'demo');
    assert.deepEqual(read, image);
    assert.deepEqual(
      read.files.map(({ name }) => name),
      ['vmlinuz', 'initrd.img', 'rootfs.ext4'],
    );
    assert.match(JSON.stringify(read.config), /"kernel_path":"\/assets\/demo\/vmlinuz"/);
  });

  it('is built over only when that is wanted, and not by a build that is interrupted', async () => {
    await assert.rejects(build({}), { kind: 'already_exists', message: /--force/ });
    const stop = new AbortController();
    const interrupted = build({ force: true, signal: stop.signal, progress: () => stop.abort() });
    await assert.rejects(interrupted, { name: 'AbortError' });

    const images = join(directory, 'images');
    const [former = '', ...rest] = await readdir(images);
    assert.deepEqual(rest, ['demo']);
    assert.deepEqual(await readImage(images, 'demo'), image);
    assert.equal((await build({ force: true })).files.length, 3);
    image = await readImage(images, 'demo');
    // Overlays of machines stand on the files of the version they were made from.
    assert.ok((await readdir(join(images, former))).includes('rootfs.ext4'));
    assert.equal((await readdir(images)).length, 3);
  });

  it('boots on q35, takes an address by DHCP and obeys the power button', async () => {
    await using guest = await boot({ machineType: 'q35', disk: await copyOfDisk('q35.ext4') });
    await guest.line(/drover-demo ready: demo \S+-cloud-amd64 up [\d.]+s$/);
    await guest.line(/drover-demo address: eth0 10\.0\.2\.15\/24/);
    await guest.monitor('system_powerdown');
    await guest.line(/drover-demo powering off/);
    assert.equal(await guest.exit(), 0);
    assert.equal(guest.lines.filter((line) => line.includes('drover-demo ready')).length, 1);
  });

  it('boots on microvm with the addresses it is given and obeys the power button', async () => {
    const addresses =
      'ip=10.0.2.50::10.0.2.2:255.255.255.128:web1:eth0:off drover.ip6=fd00::50/64,fd00::1:eth0';
    await using guest = await boot({
      machineType: 'microvm,acpi=on',
      disk: await copyOfDisk('microvm.ext4'),
      kernelArgs: `${await counterRate()} demo.ticks ${addresses}`,
    });
    await guest.line(/ready: web1 \S+ up [\d.]+s eth0=10\.0\.2\.50\/25 eth0=fd00::50\/64$/);
    await guest.line(/^tick 2/);
    await guest.monitor('system_powerdown');
    await guest.line(/drover-demo powering off/);
    assert.equal(await guest.exit(), 0);
  });

  // Tests of machines rely on the same.
  if (IS_WHOLE) {
    it('answers the guest agent and keeps what was written', async () => {
      const disk = await copyOfDisk('agent.ext4');
      {
        await using guest = await boot({ machineType: 'q35', disk });
        await guest.line(/drover-demo boots: 1/);
        await guest.line(/drover-demo ready/);
        const answers = await guest.agent([
          { execute: 'guest-sync', arguments: { id: 4711 } },
          { execute: 'guest-ping' },
          { execute: 'guest-frobnicate' },
        ]);
        assert.deepEqual(answers.slice(0, 2), [{ return: 4711 }, { return: {} }]);
        assert.match(JSON.stringify(answers[2]), /CommandNotFound/);
        await guest.tellAgent({ execute: 'guest-shutdown', arguments: { mode: 'reboot' } });
        await guest.line(/drover-demo rebooting/);
      }
      await using again = await boot({ machineType: 'q35', disk, kernelArgs: 'demo.poweroff=0' });
      await again.line(/drover-demo boots: 2/);
      assert.equal(await again.exit(), 0);
    });

    it('runs from a disk it may not write, and crashes when told to', async () => {
      await using guest = await boot({
        machineType: 'q35',
        disk: join(image.directory, 'rootfs.ext4'),
        isDiskReadOnly: true,
        kernelArgs: 'demo.crash',
      });
      await guest.line(/drover-demo ready/);
      await guest.line(/Kernel panic - not syncing: sysrq triggered crash/);
      await guest.exit();
      assert.ok(!guest.lines.some((line) => line.includes('drover-demo boots')));
    });
  }
});
