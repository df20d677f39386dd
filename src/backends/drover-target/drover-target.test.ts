import assert from 'node:assert/strict';
import { access, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createImageCatalog } from '#backends/qemu/image-catalog.ts';
import { ADA, BOB } from '#test/contract/store-fixtures.ts';
import { WEB_SERVER } from '#test/fake-migration.ts';
import { BOOT, openWorld, shutdown, type Life, type WorldOptions } from '#test/machine-fixture.ts';
import { machineIdOf } from '#transfers/machine-plan.ts';
import type { TargetVm } from '#transfers/target.ts';
import { DroverTarget, type DroverTargetOptions } from './drover-target.ts';

const SIGNAL = new AbortController().signal;
const VM: TargetVm = {
  ...{ name: 'web-1', owner: 'job-1', uuid: '42329208-8c5a-3254-1234-567890abcdef' },
  ...{ cpus: 4, coresPerSocket: 2, memoryMib: 2048, firmware: 'efi', guestId: undefined },
  ...{ isSecureBoot: false, hasTpm: false, origin: 'DC0/vm/web 1' },
  disks: [disk('2000', 'sata'), disk('2001', 'nvme')],
  nics: [
    { mac: '00:50:56:AB:00:01', network: 'VM Network', model: 'e1000e', isConnected: true },
    { mac: '00:50:56:AB:00:02', network: 'VM Network', model: 'e1000e', isConnected: false },
  ],
};
const ID = machineIdOf(VM);

function disk(key: string, bus: TargetVm['disks'][number]['bus']) {
  return { key, bus, capacityBytes: 1024 * 1024, format: 'raw', storage: undefined } as const;
}

interface Here {
  readonly target: DroverTarget;
  readonly life: Life;
  readonly open: (changes?: Partial<DroverTargetOptions>) => DroverTarget;
}

async function openHere(t: TestContext, options: WorldOptions = {}): Promise<Here> {
  const world = await openWorld(options);
  t.after(() => world[Symbol.asyncDispose]());
  const life = await world.live();
  const imagesDirectory = join(world.directory, 'images');
  await mkdir(imagesDirectory);
  const { clock, machines, capacity } = life;
  const open = (changes: Partial<DroverTargetOptions> = {}) =>
    new DroverTarget({
      ...{ clock, machines, capacity, imagesDirectory, customerId: ADA },
      ...{ guestUser: undefined, readyText: undefined, hasUefi: () => Promise.resolve(true) },
      images: createImageCatalog({ directories: [imagesDirectory] }),
      toGiven: () => ({}),
      ...changes,
    });
  return { target: open(), life, open };
}

/** As far as a machine that can be started. */
async function bring(target: DroverTarget, vm = VM) {
  const places = await target.placeDisks(vm, SIGNAL);
  for (const { path } of places) await writeFile(path, Buffer.alloc(1024 * 1024));
  await target.adoptDisks(vm, places, SIGNAL);
  return { places, defined: await target.define(vm, places, SIGNAL) };
}

async function codesOf(target: DroverTarget, changes: Partial<TargetVm> = {}): Promise<string[]> {
  const found = await target.check({ ...VM, ...changes }, WEB_SERVER, SIGNAL);
  return found.map(({ code }) => code).filter((code) => code !== 'nic-left-out');
}

describe('DroverTarget', () => {
  it('makes a VM a machine of the customer that boots from its own disks', async (t) => {
    const { target, life } = await openHere(t);
    const { places, defined } = await bring(target);
    assert.equal(defined.ref, ID);
    const { customerId, spec } = await life.get(ID);
    assert.equal(customerId, ADA);
    assert.deepEqual(spec.boot, { kind: 'firmware', machineType: 'q35', firmware: 'uefi' });
    assert.deepEqual(spec.cpu.topology, { sockets: 2, coresPerSocket: 2, threadsPerCore: 1 });
    const [root, data] = spec.disks;
    assert.deepEqual([root?.isRoot, root?.bus, root?.writeMode], [true, 'sata', 'direct']);
    assert.deepEqual([data?.isRoot, data?.bus], [false, 'nvme']);
    assert.equal(root?.path, places[0]?.path);
    assert.equal(root?.givenPath, '/assets/customers/ada/migrated/job-1/disk-0.raw');
    // The one that is not plugged in is left out.
    assert.deepEqual(
      spec.nics.map(({ mac, model }) => [mac, model]),
      [['00:50:56:ab:00:01', 'e1000e']],
    );
    assert.equal(spec.metadata['migration.source'], 'DC0/vm/web 1');
    assert.equal((await stat(places[0]?.path ?? '')).mode & 0o777, 0o600);
  });

  it('does each step again without doing it twice, and takes all of it back', async (t) => {
    const { target, life } = await openHere(t);
    const { places } = await bring(target);
    assert.deepEqual(await target.placeDisks(VM, SIGNAL), places);
    assert.equal((await target.define(VM, places, SIGNAL)).ref, ID);
    await target.start(ID, SIGNAL);
    const pid = life.pidOf(ID);
    await target.start(ID, SIGNAL);
    assert.equal(life.pidOf(ID), pid);
    const removed = await target.remove(VM, SIGNAL);
    assert.match(removed.join('\n'), /^machine vm_\w+ of ada\n.*migrated\/job-1$/);
    await assert.rejects(life.get(ID), { reason: 'VM_NOT_FOUND' });
    await assert.rejects(access(places[0]?.path ?? ''), { code: 'ENOENT' });
    assert.deepEqual(await target.remove(VM, SIGNAL), []);
  });

  it('touches no machine that another made under the same id', async (t) => {
    const { target, life, open } = await openHere(t);
    await life.create(ID);
    assert.deepEqual(await target.remove(VM, SIGNAL), []);
    await life.get(ID);
    for (const each of [target, open({ customerId: BOB })]) {
      await assert.rejects(bring(each), { kind: 'already_exists' });
    }
    await life.get(ID);
  });

  it('refuses a raw disk that poses as an image of another format', async (t) => {
    const { target } = await openHere(t);
    const places = await target.placeDisks(VM, SIGNAL);
    const posing = Buffer.alloc(1024 * 1024);
    posing.set([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3]);
    for (const { path } of places) await writeFile(path, posing);
    await assert.rejects(target.define(VM, places, SIGNAL), (thrown: Error) => {
      assert.match(thrown.message, /the disk 2000/);
      return true;
    });
  });

  it('says before anything is copied what will not do', async (t) => {
    const quota = { maxMachines: 1, maxVcpus: 8, maxMemoryMib: 4096 };
    const { target, life, open } = await openHere(t, { vcpus: 16, memoryMib: 8192, quota });
    assert.deepEqual(await codesOf(target), []);
    assert.deepEqual(await codesOf(target, { cpus: 9 }), ['quota-exceeded']);
    assert.deepEqual(await codesOf(target, { cpus: 33 }), [
      ...['machine-impossible', 'quota-exceeded', 'host-too-small'],
    ]);
    assert.deepEqual(await codesOf(target, { memoryMib: 64 }), ['machine-impossible']);
    const secured = { isSecureBoot: true, hasTpm: true };
    assert.deepEqual(await codesOf(target, secured), ['no-secure-boot', 'no-tpm']);
    const bare = open({ hasUefi: () => Promise.resolve(false) });
    assert.deepEqual(await codesOf(bare), ['no-uefi']);
    const old = { ...disk('2000', 'ide'), storage: 'fast' };
    const changes = { disks: [old, ...Array.from({ length: 16 }, () => disk('1', 'sata'))] };
    assert.deepEqual(await codesOf(target, changes), [
      ...['too-many-disks', 'disk-bus-changes', 'storage-mapping-unused'],
    ]);
    const huge = { disks: [{ ...disk('2000', 'sata'), capacityBytes: 2 ** 60 }] };
    assert.deepEqual(await codesOf(target, huge), ['space-may-run-out']);
    await life.create('another');
    assert.deepEqual(await codesOf(target), ['quota-exceeded']);
  });

  it('counts a machine that an earlier attempt made against nothing', async (t) => {
    const quota = { maxMachines: 1, maxVcpus: 8, maxMemoryMib: 4096 };
    const { target } = await openHere(t, { quota });
    await bring(target);
    assert.deepEqual(await codesOf(target), []);
  });
});

describe('waiting for a machine that was moved here', () => {
  it('ends when its console says what it should', async (t) => {
    const { open, life } = await openHere(t);
    const target = open({ readyText: 'all well' });
    await bring(target);
    await target.start(ID, SIGNAL);
    life.world.host.print(ID, 'web login: ');
    const waiting = target.awaitBoot(ID, 30_000, SIGNAL);
    const moving = keepMoving(life, waiting);
    life.world.host.print(ID, 'all well\n');
    assert.match(await waiting, /the console says "all well"/);
    await moving;
  });

  it('takes a login prompt, or a minute without a word, where nothing was told', async (t) => {
    const { target, life } = await openHere(t);
    await bring(target);
    await target.start(ID, SIGNAL);
    const long = target.awaitBoot(ID, 120_000, SIGNAL);
    await keepMoving(life, long);
    assert.equal(await long, 'it has been running for 60 s');
    life.world.host.print(ID, 'web login: ');
    assert.match(await target.awaitBoot(ID, 1000, SIGNAL), /login:/);
  });

  it('says what was last on the console of one that is silent, or stops', async (t) => {
    const { target, life } = await openHere(t);
    await bring(target);
    await target.start(ID, SIGNAL);
    life.world.host.print(ID, 'no root device\r\n');
    const silent = target.awaitBoot(ID, 5000, SIGNAL);
    await keepMoving(life, silent);
    await assert.rejects(silent, (thrown: Error & { kind?: string }) => {
      assert.equal(thrown.kind, 'deadline_exceeded');
      assert.match(thrown.message, /within 5 s.*"no root device"/);
      return true;
    });
    await life.do(ID, shutdown(true));
    await assert.rejects(target.awaitBoot(ID, 5000, SIGNAL), { reason: 'GUEST_STOPPED' });
    await life.do(ID, BOOT);
  });
});

/** Lets time pass until it is settled. */
async function keepMoving({ clock }: Life, settled: Promise<unknown>): Promise<void> {
  let isOver = false;
  const over = () => (isOver = true);
  void settled.then(over, over);
  while (!isOver) await clock.advance(1000);
}
