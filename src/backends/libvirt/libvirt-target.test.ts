import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import { parseLibvirtUri } from '#transfers/libvirt-uri.ts';
import type { Sending } from '#transfers/target.ts';
import { targetVm } from '#test/libvirt/libvirt-fixture.ts';
import { ScriptedVirsh, type Script } from '#test/libvirt/scripted-virsh.ts';
import { sourceVm } from '#test/libvirt/source-vm.ts';
import { LibvirtTarget, type LibvirtTargetOptions } from './libvirt-target.ts';

const signal = new AbortController().signal;
const UUID = '42329208-8c5a-3254-1234-567890abcdef';
const MISSING = "!error: failed to get vol 'web-0'\nerror: Storage volume not found";
const POOL = "<pool type='dir'><target><path>/far</path></target></pool>\n\nState: running\n";
const FAR: Script = {
  metadata: '',
  list: '',
  'pool-dumpxml': POOL,
  'vol-create-as': '',
  'vol-upload': '',
  'vol-delete': '',
  destroy: '',
};

async function open(t: TestContext, script: Script, options: Partial<LibvirtTargetOptions> = {}) {
  const workDirectory = await mkdtemp(join(tmpdir(), 'drover-target-'));
  t.after(() => rm(workDirectory, { recursive: true, force: true }));
  const virsh = new ScriptedVirsh(script);
  const uri = parseLibvirtUri('qemu+ssh://ada@far/system');
  const target = new LibvirtTarget({
    ...{ uri, virsh, clock: new FakeClock(), log: silentLog, workDirectory, pool: 'far' },
    ...options,
  });
  /** The commands by their first words, since the last time. */
  const asked = () => virsh.asked.splice(0).map((line) => line.split(' ', 1)[0]);
  return { target, virsh, asked };
}

function listen() {
  const told: string[] = [];
  const sending: Sending = {
    begin: (lengths) => void told.push(`begin ${JSON.stringify([...lengths])}`),
    advance: (key, doneBytes) => void told.push(`${key} ${doneBytes}`),
    limiter: { take: async () => undefined },
  };
  return { told, sending };
}

describe('LibvirtTarget', () => {
  it('sends what only libvirt reaches, says how much that is, and sends it once', async (t) => {
    const { target, asked } = await open(t, FAR);
    const vm = targetVm();
    const places = await target.placeDisks(vm, signal);
    assert.deepEqual(
      places.map(({ isSentOn }) => isSentOn),
      [true],
    );
    await writeFile(places[0]?.path ?? '', 'a disk');
    asked();
    const { told, sending } = listen();
    await target.sendDisks(vm, places, sending, signal);
    assert.deepEqual(told, ['begin [["2000",6]]', '2000 6']);
    assert.deepEqual(asked(), ['vol-create-as', 'vol-upload']);
    await target.sendDisks(vm, places, sending, signal);
    await target.adoptDisks(vm, places, signal);
    assert.equal(told.length, 2);
    assert.deepEqual(asked(), ['metadata']);
  });

  it('makes the volume anew that an attempt before it left', async (t) => {
    const taken = "!error: Failed to create vol web-0\nerror: volume 'web-0' already exists";
    const { target, virsh } = await open(t, { ...FAR, 'vol-create-as': taken });
    const places = await target.placeDisks(targetVm(), signal);
    await writeFile(places[0]?.path ?? '', 'a disk');
    const { sending } = listen();
    const failing = target.sendDisks(targetVm(), places, sending, signal);
    await assert.rejects(failing, { kind: 'already_exists' });
    const commands = virsh.asked.map((line) => line.split(' ', 1)[0]);
    assert.deepEqual(commands.slice(1), ['vol-create-as', 'vol-delete', 'vol-create-as']);
  });

  it('has nothing to send to a directory', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'drover-images-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const uri = parseLibvirtUri('qemu:///system');
    const { target } = await open(t, {}, { uri, directory, pool: undefined });
    const places = await target.placeDisks(targetVm(), signal);
    assert.equal(places[0]?.isSentOn, false);
    await writeFile(places[0]?.path ?? '', 'a disk');
    const { told, sending } = listen();
    await target.sendDisks(targetVm(), places, sending, signal);
    assert.deepEqual(told, []);
  });

  it('is removed by few commands, each of which may be a login', async (t) => {
    const { target, asked } = await open(t, { ...FAR, 'vol-delete': MISSING });
    assert.deepEqual(await target.remove(targetVm(), signal), []);
    assert.deepEqual(asked(), ['metadata', 'pool-dumpxml', 'vol-delete']);
    const there = `<migration owner="job-1"/>\n\n${UUID} web\n`;
    const { target: other, asked: askedNow } = await open(t, { ...FAR, metadata: there });
    const removed = await other.remove(targetVm(), signal);
    assert.deepEqual(removed.slice(0, 1), [`domain web (${UUID})`]);
    assert.match(removed[1] ?? '', /^volume web-0-[0-9a-f]{12}\.raw of pool far$/);
    assert.deepEqual(askedNow(), ['metadata', 'pool-dumpxml', 'destroy', 'vol-delete']);
  });

  it('knows whose a domain is, whatever its name', async (t) => {
    const vm = targetVm({ name: '42' });
    const list = `${UUID} 42\n`;
    const owner = `<migration owner="job-1"/>\n`;
    const numbered = await open(t, { ...FAR, list, [`metadata --domain=${UUID}`]: owner });
    assert.deepEqual((await numbered.target.remove(vm, signal))[0], `domain 42 (${UUID})`);
    assert.equal(numbered.asked()[0], 'list');
    // Nothing was told of an owner: then it is asked for by itself.
    const refusal = '!error: metadata not found: Requested metadata element is not present';
    const script = { ...FAR, 'metadata --domain=web': `\n${UUID} web\n` };
    const theirs = await open(t, { ...script, [`metadata --domain=${UUID}`]: refusal });
    const removed = await theirs.target.remove(targetVm(), signal);
    assert.ok(!removed.some((what) => what.startsWith('domain')), String(removed));
    const other = { ...FAR, metadata: `<migration owner="job-2"/>\n\n${UUID} web\n` };
    const others = await (await open(t, other)).target.remove(targetVm(), signal);
    assert.ok(!others.some((what) => what.startsWith('domain')), String(others));
  });

  it('relies on KVM only where nothing is known against it', async (t) => {
    const virtTypeFor = async (options: Partial<LibvirtTargetOptions>) => {
      const { target, virsh } = await open(t, FAR, options);
      await target.check(targetVm(), sourceVm(), signal);
      const line = virsh.asked.find((each) => each.startsWith('domcapabilities'));
      return /--virttype=(\w+)/.exec(line ?? '')?.[1];
    };
    const kvmFault = 'a trial guest did nothing for 2 s';
    assert.equal(await virtTypeFor({ accelerator: 'auto' }), undefined);
    assert.equal(await virtTypeFor({ accelerator: 'auto', kvmFault }), 'qemu');
    assert.equal(await virtTypeFor({ accelerator: 'kvm', kvmFault }), 'kvm');
  });
});
