/** VMs that go to a libvirtd behind a real sshd, as they do to another host. */
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ProcessVirsh } from '#backends/libvirt/virsh.ts';
import { systemClock } from '#kernel/clock.ts';
import { MIB } from '#kernel/units.ts';
import { parseLibvirtUri, type LibvirtUri } from '#transfers/libvirt-uri.ts';
import { writeBootDisk } from '#test/libvirt/boot-sector.ts';
import { LibvirtFixture, targetVm } from '#test/libvirt/libvirt-fixture.ts';
import { PrivateSshd } from '#test/libvirt/private-sshd.ts';
import { sourceVm } from '#test/libvirt/source-vm.ts';

const SAYS = 'the boot sector runs';
const POOL = 'far';
const BIG = 24 * MIB;
const signal = new AbortController().signal;

let fixture: LibvirtFixture;
let sshd: PrivateSshd;
let pool: string;

before(async () => {
  fixture = await LibvirtFixture.open();
  sshd = await PrivateSshd.open(join(fixture.directory, 's'));
  pool = await fixture.libvirtd.makeDirectory('pool');
  await fixture.virsh('pool-define-as', POOL, 'dir', `--target=${pool}`);
  await fixture.virsh('pool-start', POOL);
});
after(async () => {
  await sshd[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
});

/** What a request names, and beside it what only this test may: which ssh is to be called. */
function uriOf(keyFile = sshd.keyFile, socket = fixture.libvirtd.socket): LibvirtUri {
  const parameters = `keyfile=${keyFile}&socket=${socket}`;
  const uri = parseLibvirtUri(`qemu+ssh://${sshd.authority}/session?${parameters}`);
  return { ...uri, text: `${uri.text}&command=${sshd.ssh}` };
}

function virshAt(uri: LibvirtUri): ProcessVirsh {
  return new ProcessVirsh({ uri, clock: systemClock, environment: {} });
}

async function openTarget(uri = uriOf()) {
  return await fixture.target({ uri, virsh: virshAt(uri), pool: POOL });
}

/** The first line that comes out of the serial port from now on. */
async function readSerial(ref: string): Promise<string> {
  let said = '';
  const terminal = createReadStream(await fixture.virsh('ttyconsole', `--domain=${ref}`));
  for await (const chunk of terminal) {
    said += String(chunk);
    if (said.includes(`${SAYS}\r`)) break;
  }
  return said;
}

describe('LibvirtTarget over ssh', () => {
  it('sends the disks, and the guest runs there', async () => {
    const { target, workDirectory } = await openTarget();
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
    await target.adoptDisks(vm, places, signal);
    assert.deepEqual(await readdir(workDirectory), []);
    const [file, ...others] = await readdir(pool);
    assert.deepEqual(others, []);
    assert.deepEqual(await readFile(join(pool, file ?? '')), written);
    const { ref } = await target.define(vm, places, signal);
    await target.start(ref, signal);
    assert.ok((await readSerial(ref)).includes(SAYS));
    const removed = await target.remove(vm, signal);
    assert.deepEqual(removed, [`domain web (${ref})`, `volume ${file} of pool far`]);
    assert.deepEqual(await readdir(pool), []);
  });

  it('may try again when the connection breaks, and when it is cancelled removes all', async () => {
    const { target, workDirectory } = await openTarget();
    const vm = targetVm();
    const places = await target.placeDisks(vm, signal);
    await writeFile(places[0]?.path ?? '', Buffer.alloc(BIG, 'all work and no play '));
    const broken = target.adoptDisks(vm, places, signal);
    await beginning(broken);
    const [first] = await readdir(pool);
    sshd.breakOff();
    await assert.rejects(broken, { kind: 'unavailable', reason: 'LIBVIRT_UNREACHABLE' });
    const { birthtimeMs } = await stat(join(pool, first ?? ''));
    const stopping = new AbortController();
    const again = target.adoptDisks(vm, places, stopping.signal);
    await beginning(again, birthtimeMs);
    stopping.abort(new Error('cancelled'));
    await assert.rejects(again, /^Error: cancelled$/);
    assert.equal((await target.remove(vm, signal)).length, 2);
    assert.deepEqual([await readdir(pool), await readdir(workDirectory)], [[], []]);
  });

  it('says once what is wrong when ssh refuses, and what to do', async () => {
    const refusalOf = async (uri = uriOf()) => {
      const { target } = await openTarget(uri);
      const [found, ...others] = await target.check(targetVm(), sourceVm(), signal);
      assert.deepEqual(others, []);
      return `${found?.code}: ${found?.message}; ${found?.remedy}`;
    };
    const stranger = await sshd.makeKey('stranger');
    assert.match(
      await refusalOf(uriOf(stranger)),
      /^destination-refuses-user: .*Permission denied \(publickey\).*; let the user .* log in/,
    );
    await sshd.trustHost('stranger');
    assert.match(
      await refusalOf(),
      /^ssh-host-key-changed: [^@]*SHA256:[^@]*Offending ED25519 key in .*; find out why: .* -R /,
    );
    await sshd.forgetHost();
    assert.match(
      await refusalOf(),
      /^ssh-host-key-unknown: .*Host key verification failed.*; log in once by ssh/,
    );
    await sshd.trustHost();
    assert.match(
      await refusalOf(uriOf(sshd.keyFile, '/nowhere/sock')),
      /^destination-unreachable: .*\/nowhere\/sock.*; start libvirtd there/,
    );
  });

  it('waits for no host that is mute, and leaves no ssh behind', async () => {
    sshd.isMute = true;
    const asking = virshAt(uriOf()).run(['version'], { signal, timeoutMs: 1000 });
    await assert.rejects(asking, { kind: 'unavailable', reason: 'LIBVIRT_SILENT' });
    await sshd.forsaken();
    sshd.isMute = false;
  });
});

/** The first of a disk has come, much of it has not, and the file is a new one. */
async function beginning(sending: Promise<void>, bornAfterMs = 0): Promise<void> {
  sending.catch(() => undefined);
  for (;;) {
    for (const file of await readdir(pool)) {
      const found = await stat(join(pool, file)).catch(() => undefined);
      if (found !== undefined && found.birthtimeMs > bornAfterMs && found.blocks > 0) return;
    }
    await delay(1);
  }
}
