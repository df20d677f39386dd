/** With a program that stands for virt-v2v-in-place, and Debian's qemu-img (qemu-utils). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '#kernel/clock.ts';
import type { DiskPlace, TargetVm } from '#transfers/target.ts';
import { VirtV2vPreparer } from './virt-v2v-preparer.ts';

const run = promisify(execFile);
const SIZE = 1024 * 1024;
const VM: TargetVm = {
  ...{ name: 'web & db', owner: 'job-1', uuid: undefined, cpus: 1, coresPerSocket: 1 },
  ...{ memoryMib: 512, firmware: 'bios', isSecureBoot: false, hasTpm: false, nics: [] },
  disks: [disk('1', 'qcow2'), disk('2', 'raw')],
  guestId: undefined,
};

function disk(key: string, format: 'qcow2' | 'raw') {
  return { key, format, capacityBytes: SIZE, bus: 'sata', storage: undefined } as const;
}

/** Writes into each of its disks, as it finds them in the description. */
const CONVERTS = `
for disk in $(sed -n "s/.*file='*\\"*\\([^'\\"]*\\)['\\"].*/\\1/p" "$3" | grep preparing); do
  qemu-io -f qcow2 -c 'write -P 0x77 0 4096' "$disk" >/dev/null || exit 9
done
echo "backend $LIBGUESTFS_BACKEND"
echo 'virt-v2v: This guest has virtio drivers installed.'`;

interface Bench {
  readonly places: readonly DiskPlace[];
  readonly logs: string[];
  readonly directory: string;
  readonly preparer: VirtV2vPreparer;
  readonly controller: AbortController;
  readonly prepare: () => ReturnType<VirtV2vPreparer['prepare']>;
  /** What the guest finds in the first byte of each disk. */
  readonly firstBytes: () => Promise<readonly (number | undefined)[]>;
  readonly install: (script: string) => Promise<void>;
}

async function openBench(t: TestContext, timeoutMs = 20_000): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-v2v-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const programs = join(directory, 'programs');
  const images = join(directory, 'images');
  await mkdir(programs);
  await mkdir(images);
  await symlink('/usr/bin/qemu-img', join(programs, 'qemu-img'));
  const places = [
    { key: '1', path: join(images, 'one.qcow2') },
    { key: '2', path: join(images, 'two.raw') },
  ];
  const raw = join(directory, 'content.raw');
  await writeFile(raw, Buffer.alloc(SIZE, 0x11));
  const [one, two] = places;
  await run('qemu-img', ['convert', '-O', 'qcow2', raw, one?.path ?? '']);
  await run('cp', [raw, two?.path ?? '']);
  const preparer = new VirtV2vPreparer({
    ...{ clock: systemClock, directories: [programs], timeoutMs },
    environment: { HOME: directory, SECRET: 'x', VIRTIO_WIN: '/srv/virtio-win.iso' },
    accelerator: 'tcg',
  });
  const logs: string[] = [];
  const controller = new AbortController();
  const { signal } = controller;
  const log = (level: string, text: string) => void logs.push(`${level} ${text}`);
  return {
    ...{ places, logs, directory, preparer, controller },
    prepare: () => preparer.prepare(VM, places, { signal, log }),
    async firstBytes() {
      const out = join(directory, 'read.raw');
      await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', one?.path ?? '', out]);
      const whole = [await readFile(out), await readFile(two?.path ?? '')];
      return whole.map((bytes) => bytes[0]);
    },
    async install(script) {
      const path = join(programs, 'virt-v2v-in-place');
      await writeFile(path, `#!/bin/sh\n${script}\n`);
      await chmod(path, 0o755);
    },
  };
}

async function filesOf({ directory }: Bench): Promise<string[]> {
  return (await readdir(join(directory, 'images'))).toSorted();
}

const UNTOUCHED = [0x11, 0x11];
const CONVERTED = [0x77, 0x77];

describe('VirtV2vPreparer', () => {
  it('has every disk converted, tells what was said, and leaves nothing else', async (t) => {
    const bench = await openBench(t);
    await bench.install(CONVERTS);
    assert.deepEqual(await bench.prepare(), { hasVirtio: true, findings: [] });
    assert.deepEqual(await bench.firstBytes(), CONVERTED);
    assert.ok(bench.logs.includes('info backend direct'));
    await bench.preparer.settle(bench.places);
    assert.deepEqual(await filesOf(bench), ['one.qcow2', 'two.raw']);
  });

  it('gives it the description of the guest, and of our environment almost nothing', async (t) => {
    const bench = await openBench(t);
    await bench.install('echo "$1 $2"; grep name "$3"; echo "secret ${SECRET:-none} $HOME"; env');
    const { findings } = await bench.prepare();
    assert.deepEqual(
      findings.map(({ code, severity }) => [code, severity]),
      [['guest-without-virtio', 'warning']],
    );
    const said = bench.logs.join('\n');
    assert.match(said, /info -i libvirtxml\n.*<name>web &amp; db<\/name>/);
    assert.ok(said.includes(`secret none ${bench.directory}`));
    assert.match(said, /VIRTIO_WIN=\/srv\/virtio-win.iso/);
    // A KVM that hangs would hang the appliance in which guests are looked at.
    assert.match(said, /LIBGUESTFS_BACKEND_SETTINGS=force_tcg/);
  });

  it('says so where it is not installed, and touches nothing', async (t) => {
    const bench = await openBench(t);
    const { hasVirtio, findings } = await bench.prepare();
    assert.equal(hasVirtio, false);
    assert.deepEqual(
      findings.map(({ code, severity }) => [code, severity]),
      [['guest-not-prepared', 'warning']],
    );
    assert.match(findings[0]?.message ?? '', /SATA and e1000e.*is not installed here/);
    assert.deepEqual(await filesOf(bench), ['one.qcow2', 'two.raw']);
  });

  it('leaves the disks as they were when it fails half way', async (t) => {
    const bench = await openBench(t);
    const says = "echo 'virt-v2v-in-place: error: no root device' >&2; echo 'report it' >&2";
    await bench.install(`${CONVERTS}\n${says}; exit 1`);
    const { hasVirtio, findings } = await bench.prepare();
    assert.equal(hasVirtio, false);
    assert.equal(findings[0]?.code, 'guest-not-prepared');
    assert.match(findings[0]?.message ?? '', /virt-v2v-in-place failed: no root device$/);
    assert.ok(bench.logs.includes('info virt-v2v-in-place: error: no root device'));
    assert.deepEqual(await bench.firstBytes(), UNTOUCHED);
  });

  it('waits for what it leaves running, which writes on until it is done', async (t) => {
    const bench = await openBench(t);
    // As its qemu-nbd does: the tables of the overlay are written last of all.
    await bench.install(`convert() { ${CONVERTS}\n}
      (trap 'sleep 0.1; convert "$@"; exit' TERM; while :; do sleep 0.02; done) &
      sleep 0.1; exit 0`);
    assert.deepEqual(await bench.prepare(), { hasVirtio: true, findings: [] });
    assert.deepEqual(await bench.firstBytes(), CONVERTED);
  });

  it('ends it with all that it started when it is slow, or the job is stopped', async (t) => {
    const slow = await openBench(t, 300);
    await slow.install('sleep 60 & sleep 60');
    assert.equal((await slow.prepare()).findings[0]?.code, 'guest-not-prepared');
    const stopped = await openBench(t);
    await stopped.install('trap "" TERM; echo begun; sleep 60 & wait; sleep 60');
    const preparing = stopped.preparer.prepare(VM, stopped.places, {
      signal: stopped.controller.signal,
      log: () => stopped.controller.abort(new Error('cancelled')),
    });
    await assert.rejects(preparing, /cancelled/);
    assert.deepEqual(await stopped.firstBytes(), UNTOUCHED);
    await stopped.preparer.settle(stopped.places);
    assert.deepEqual(await filesOf(stopped), ['one.qcow2', 'two.raw']);
  });

  it('merges to the end what an earlier attempt converted, without converting again', async (t) => {
    const bench = await openBench(t);
    // Without the second disk the first attempt ends in the middle of merging.
    const two = bench.places[1]?.path ?? '';
    await bench.install(`${CONVERTS}\nmv ${two} ${two}.away`);
    await assert.rejects(bench.prepare(), { reason: 'PREPARATION_FAILED' });
    await run('mv', [`${two}.away`, two]);
    await bench.install('exit 1');
    assert.deepEqual(await bench.prepare(), { hasVirtio: true, findings: [] });
    assert.deepEqual(await bench.firstBytes(), CONVERTED);
    // And once more, when the answer was lost after that.
    assert.deepEqual(await bench.prepare(), { hasVirtio: true, findings: [] });
    await bench.preparer.settle(bench.places);
    assert.deepEqual(await filesOf(bench), ['one.qcow2', 'two.raw']);
  });
});
