/** VMs that go to a libvirtd behind a real sshd, as they do to another host. */
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SharedPace } from '#disks/shared-pace.ts';
import { systemClock } from '#kernel/clock.ts';
import { MIB } from '#kernel/units.ts';
import type { Sending, TargetVm } from '#transfers/target.ts';
import { writeBootDisk } from '#test/libvirt/boot-sector.ts';
import { FarLibvirt } from '#test/libvirt/far-libvirt.ts';
import { targetVm } from '#test/libvirt/libvirt-fixture.ts';
import { sourceVm } from '#test/libvirt/source-vm.ts';

const SAYS = 'the boot sector runs';
const BIG = 24 * MIB;
/** Of which every other MiB is a hole. */
const HOLEY = 18 * MIB;
const signal = new AbortController().signal;

let far: FarLibvirt;

before(async () => {
  far = await FarLibvirt.open();
});
after(() => far[Symbol.asyncDispose]());

/** By a target that knows nothing yet, as that of a job that is cleaned up; how many logins. */
async function loginsToRemove(vm: TargetVm, workDirectory: string) {
  const { target } = await far.target(far.uri(), workDirectory);
  const before = far.sshd.logins;
  const removed = await target.remove(vm, signal);
  return { removed, logins: far.sshd.logins - before };
}

/** Says nothing, and takes all that there is. */
const unheard: Sending = {
  ...{ begin: () => undefined, advance: () => undefined },
  limiter: { take: () => Promise.resolve() },
};

/** The first line that comes out of the serial port from now on. */
async function readSerial(ref: string): Promise<string> {
  let said = '';
  const terminal = createReadStream(await far.fixture.virsh('ttyconsole', `--domain=${ref}`));
  for await (const chunk of terminal) {
    said += String(chunk);
    if (said.includes(`${SAYS}\r`)) break;
  }
  return said;
}

describe('LibvirtTarget over ssh', () => {
  it('sends the disks, and the guest runs there', async () => {
    const { target, workDirectory } = await far.target();
    const vm = targetVm();
    const found = await target.check(vm, sourceVm(), signal);
    assert.deepEqual(
      found.map(({ code }) => code),
      ['no-kvm'],
    );
    const places = await target.placeDisks(vm, signal);
    const path = places[0]?.path ?? '';
    await writeBootDisk(path, { says: SAYS, atEnd: 'says it again' });
    const written = await readFile(path);
    await target.sendDisks(vm, places, unheard, signal);
    await target.adoptDisks(vm, places, signal);
    assert.deepEqual(await readdir(workDirectory), []);
    const [file, ...others] = await readdir(far.pool);
    assert.deepEqual(others, []);
    assert.deepEqual(await readFile(join(far.pool, file ?? '')), written);
    const { ref } = await target.define(vm, places, signal);
    await target.start(ref, signal);
    assert.ok((await readSerial(ref)).includes(SAYS));
    const { removed, logins } = await loginsToRemove(vm, workDirectory);
    assert.deepEqual(removed, [`domain web (${ref})`, `volume ${file} of pool far`]);
    assert.equal(logins, 4);
    assert.deepEqual(await readdir(far.pool), []);
  });

  it('shows how far a disk is, and keeps to a limit that may change', async () => {
    const { target } = await far.target();
    const vm = targetVm({ name: 'paced' });
    const places = await target.placeDisks(vm, signal);
    await writeHoleyDisk(places[0]?.path ?? '');
    const pace = new SharedArrayBuffer(8);
    const limit = new Float64Array(pace);
    limit[0] = 2 * MIB;
    const told: { readonly atMs: number; readonly doneBytes: number }[] = [];
    const advance = (_key: string, doneBytes: number) => {
      told.push({ atMs: performance.now(), doneBytes });
      // Two thirds of it at a limit, the rest without.
      if (doneBytes > (2 * HOLEY) / 3) limit[0] = 0;
    };
    const limiter = new SharedPace(systemClock, pace);
    await target.sendDisks(vm, places, { ...unheard, advance, limiter }, signal);
    assert.deepEqual(told.at(-1)?.doneBytes, HOLEY);
    const bytes = told.map(({ doneBytes }) => doneBytes);
    assert.deepEqual(
      bytes,
      bytes.toSorted((one, other) => one - other),
    );
    const limited = told.filter(({ doneBytes }) => doneBytes > 0 && doneBytes <= (2 * HOLEY) / 3);
    const [first, last] = [limited[0], limited.at(-1)];
    assert.ok(first && last && limited.length > 2, JSON.stringify(told));
    const dataBytes = (last.doneBytes - first.doneBytes) / 2;
    const bytesPerSecond = dataBytes / ((last.atMs - first.atMs) / 1000);
    assert.ok(bytesPerSecond < 3.5 * MIB, `${bytesPerSecond}: ${JSON.stringify(told)}`);
    const [file = ''] = await readdir(far.pool);
    const [there, here] = [await readFile(join(far.pool, file)), await holeyDisk()];
    assert.ok(there.equals(here), 'it came whole');
    assert.ok((await stat(join(far.pool, file))).blocks * 512 < (3 * HOLEY) / 4, 'with its holes');
    await target.remove(vm, signal);
  });

  it('may try again when the connection breaks, and when it is cancelled removes all', async () => {
    const { target, workDirectory } = await far.target();
    const vm = targetVm();
    const places = await target.placeDisks(vm, signal);
    await writeFile(places[0]?.path ?? '', Buffer.alloc(BIG, 'all work and no play '));
    const broken = target.sendDisks(vm, places, unheard, signal);
    await beginning(broken);
    const [first] = await readdir(far.pool);
    far.sshd.breakOff();
    await assert.rejects(broken, { kind: 'unavailable', reason: 'LIBVIRT_UNREACHABLE' });
    const { birthtimeMs } = await stat(join(far.pool, first ?? ''));
    const stopping = new AbortController();
    const again = target.sendDisks(vm, places, unheard, stopping.signal);
    await beginning(again, birthtimeMs);
    stopping.abort(new Error('cancelled'));
    await assert.rejects(again, /^Error: cancelled$/);
    const { removed, logins } = await loginsToRemove(vm, workDirectory);
    assert.deepEqual([removed.length, logins], [2, 3]);
    assert.deepEqual([await readdir(far.pool), await readdir(workDirectory)], [[], []]);
  });

  it('says once what is wrong when ssh refuses, and what to do', async () => {
    const refusalOf = async (uri = far.uri()) => {
      const { target } = await far.target(uri);
      const [found, ...others] = await target.check(targetVm(), sourceVm(), signal);
      assert.deepEqual(others, []);
      return `${found?.code}: ${found?.message}; ${found?.remedy}`;
    };
    const stranger = await far.sshd.makeKey('stranger');
    assert.match(
      await refusalOf(far.uri(stranger)),
      /^destination-refuses-user: .*Permission denied \(publickey\).*; let the user .* log in/,
    );
    await far.sshd.trustHost('stranger');
    assert.match(
      await refusalOf(),
      /^ssh-host-key-changed: [^@]*SHA256:[^@]*Offending ED25519 key in .*; find out why: .* -R /,
    );
    await far.sshd.forgetHost();
    assert.match(
      await refusalOf(),
      /^ssh-host-key-unknown: .*Host key verification failed.*; log in once by ssh/,
    );
    await far.sshd.trustHost();
    assert.match(
      await refusalOf(far.uri(far.sshd.keyFile, '/nowhere/sock')),
      /^destination-unreachable: .*\/nowhere\/sock.*; start libvirtd there/,
    );
  });

  it('waits for no host that is mute, and leaves no ssh behind', async () => {
    far.sshd.isMute = true;
    const asking = far.virsh().run(['version'], { signal, timeoutMs: 1000 });
    await assert.rejects(asking, { kind: 'unavailable', reason: 'LIBVIRT_SILENT' });
    await far.sshd.forsaken();
    far.sshd.isMute = false;
  });
});

/** The first of a disk has come, much of it has not, and the file is a new one. */
async function beginning(sending: Promise<void>, bornAfterMs = 0): Promise<void> {
  sending.catch(() => undefined);
  for (;;) {
    for (const file of await readdir(far.pool)) {
      const found = await stat(join(far.pool, file)).catch(() => undefined);
      if (found !== undefined && found.birthtimeMs > bornAfterMs && found.blocks > 0) return;
    }
    await delay(5);
  }
}

const FILLING = Buffer.alloc(MIB, 'all work and no play ');

async function writeHoleyDisk(path: string): Promise<void> {
  await using file = await open(path, 'w');
  for (let at = 0; at < HOLEY; at += 2 * MIB) await file.write(FILLING, 0, MIB, at);
  await file.truncate(HOLEY);
}

async function holeyDisk(): Promise<Buffer> {
  const path = join(far.fixture.directory, 'holey');
  await writeHoleyDisk(path);
  return await readFile(path);
}
