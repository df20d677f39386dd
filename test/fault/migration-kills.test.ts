/** The process that runs migrations is killed, again and again, and they end as if it never was. */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { MIB } from '#kernel/units.ts';
import type { MigrationCheckpoint } from '#transfers/migration-checkpoint.ts';
import { MigrationScene } from '#test/migration-scene.ts';
import { Victim } from '#test/migration-victim.ts';
import { until } from '#test/until.ts';

/** Between two marks of a small disk, and what four connections have under way. */
const MARK_BYTES = 2 * MIB;
const UNDER_WAY_BYTES = 4 * (MIB / 4);
const DISKS = [8, 32] as const;
const CAPACITY = (DISKS[0] + DISKS[1]) * MIB;
const ONE_AFTER_THE_OTHER = { parallel_disks: 1, start: true };

const owned = new AsyncDisposableStack();
let scene: MigrationScene;
before(async () => {
  scene = owned.use(
    await MigrationScene.open({
      vms: { ranges: DISKS, stream: DISKS },
    }),
  );
});
after(() => owned.disposeAsync());

async function reach(what: string, isSo: () => boolean): Promise<void> {
  await until(() => (isSo() ? true : undefined), what);
}

function howFar({ vm, places, copied, verified, ...rest }: MigrationCheckpoint) {
  return {
    ...{ isFound: vm !== undefined, isPlaced: places !== undefined },
    ...{ copied: Object.keys(copied).length, verified: Object.keys(verified).length },
    ...{ isAdopted: rest.isAdopted === true, isDefined: rest.defined !== undefined },
    isStarted: rest.isStarted === true,
  };
}

const NOWHERE = {
  ...{ isFound: false, isPlaced: false, copied: 0, verified: 0 },
  ...{ isAdopted: false, isDefined: false, isStarted: false },
};
const COPIED = { ...NOWHERE, isFound: true, isPlaced: true, copied: 2 };
const ADOPTED = { ...COPIED, verified: 2, isAdopted: true };

async function killBeforeTransfer(victim: Victim): Promise<string> {
  const { vsphere } = scene;
  let id;
  {
    using _late = vsphere.troubleCalls({ method: 'RetrievePropertiesEx', delayMs: 300 });
    const request = scene.request('ranges', { options: ONE_AFTER_THE_OTHER });
    id = await victim.api.submit(request);
    await victim.api.when(id, ({ status }) => status === 'running');
    await victim.kill();
    assert.deepEqual(howFar(victim.checkpoint()), NOWHERE);
  }
  using preflight = scene.gate('ranges').hold('listDomains', 'call');
  await victim.up();
  await preflight.reached();
  await victim.kill();
  assert.deepEqual(howFar(victim.checkpoint()), { ...NOWHERE, isFound: true });
  return id;
}

async function killInTransfer(victim: Victim): Promise<void> {
  const { vsphere } = scene;
  using _slow = vsphere.troubleBytes({ vm: 'ranges', bytesPerSecond: 4 * MIB });
  for (const [copied, bytes] of [
    [0, 5 * MIB],
    [1, 22 * MIB],
  ] as const) {
    await victim.up();
    await reach(`${bytes} bytes`, () => vsphere.served({ vm: 'ranges' }) > bytes);
    await victim.kill();
    assert.deepEqual(howFar(victim.checkpoint()), { ...COPIED, copied });
  }
}

async function killInVerify(victim: Victim): Promise<void> {
  const { vsphere } = scene;
  await victim.up();
  await reach('the end', () => vsphere.served({ vm: 'ranges' }) >= CAPACITY);
  // What comes after it begins with this call, so that it cannot be over too soon.
  using _adopt = scene.gate('ranges').hold('listDomains', 'call');
  await reach('verify', () => Object.keys(victim.checkpoint().verified).length > 0);
  await victim.kill();
  const { verified, ...others } = howFar(victim.checkpoint());
  assert.ok(verified > 0);
  assert.deepEqual({ ...others, verified: 0 }, COPIED);
}

async function killAtTarget(victim: Victim): Promise<void> {
  const gate = scene.gate('ranges');
  for (const [procedure, side, isDefined] of [
    ['define', 'call', false],
    ['define', 'answer', false],
    ['start', 'call', true],
    ['start', 'answer', true],
  ] as const) {
    using held = gate.hold(procedure, side);
    await victim.up();
    await held.reached();
    await victim.kill();
    assert.deepEqual(howFar(victim.checkpoint()), { ...ADOPTED, isDefined });
    const isThere = (await scene.domains()).includes('ranges');
    assert.equal(isThere, isDefined || side === 'answer');
  }
}

describe('a migration whose process is killed', { concurrency: 2 }, () => {
  it('over datastore goes on from its last mark, in whatever stage that was', async (t) => {
    const victim = await Victim.start(t, [scene.images]);
    const id = await killBeforeTransfer(victim);
    await killInTransfer(victim);
    await killInVerify(victim);
    await killAtTarget(victim);
    await victim.up();
    await victim.api.completed(id);
    assert.equal(await scene.libvirt.virsh('domstate', '--domain=ranges'), 'running');
    // While it runs it has its disks for itself.
    await scene.libvirt.virsh('destroy', '--domain=ranges');
    await scene.assertMoved('ranges');
    const again = scene.vsphere.served({ vm: 'ranges' }) - CAPACITY;
    t.diagnostic(`${again} bytes of ${CAPACITY} came again after two kills`);
    // And a single byte each time that a disk is opened.
    assert.ok(again <= 2 * (MARK_BYTES + UNDER_WAY_BYTES) + 16, `${again} bytes came again`);
  });

  it('over nfc keeps the disks that were done, and leaves no lease open', async (t) => {
    const { vsphere } = scene;
    const [first, second] = await Promise.all(
      scene.vsphere.vm('stream').disks.map(async (disk) => ({
        label: disk.label,
        bytes: (await stat(await disk.streamPath())).size,
      })),
    );
    assert.ok(first !== undefined && second !== undefined);
    const victim = await Victim.start(t, [scene.images]);
    let id;
    {
      using _slow = vsphere.troubleBytes({
        ...{ vm: 'stream', label: second.label },
        bytesPerSecond: 4 * MIB,
      });
      const options = { ...ONE_AFTER_THE_OTHER, start: false };
      id = await victim.api.submit(scene.request('stream', { method: 'nfc', options }));
      await reach('the second disk', () => vsphere.served({ vm: 'stream' }) > first.bytes + MIB);
      await victim.kill();
    }
    assert.deepEqual(howFar(victim.checkpoint()), { ...COPIED, copied: 1 });
    assert.equal(scene.leasesOf('stream').length, 1);
    await victim.up();
    const { last_error: error } = await victim.api.when(id, ({ status }) => status === 'pending');
    t.diagnostic(JSON.stringify(error));
    // As time does to a lease that nobody speaks for.
    await vsphere.expireLeases();
    await victim.api.completed(id);
    await scene.assertMoved('stream');
    assert.equal(vsphere.served({ vm: 'stream', label: first.label }), first.bytes);
    assert.ok(vsphere.served({ vm: 'stream', label: second.label }) > second.bytes);
    const { opened, completed, expired } = vsphere.leases;
    assert.deepEqual([opened, completed, expired], [2, 1, 1]);
    assert.deepEqual(scene.leasesOf('stream'), []);
  });
});
