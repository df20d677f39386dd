/** What can go wrong where a VM is to go, while it comes there. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chown, open } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { MIB } from '#kernel/units.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { SmallDisk } from '#test/fault/small-disk.ts';
import { MigrationApi } from '#test/migration-api.ts';
import { MigrationScene } from '#test/migration-scene.ts';
import { until } from '#test/until.ts';

const MIBS = 16;
const ONE = [MIBS];
const VMS = { full: ONE, stays: ONE, rotten: [8, MIBS], away: ONE, awaited: ONE };
/** Less than the twelve that are written of a disk. */
const SMALL_MIB = 8;

const owned = new AsyncDisposableStack();
let scene: MigrationScene;
let server: TestServer;
let api: MigrationApi;
before(async () => {
  scene = owned.use(await MigrationScene.open({ vms: VMS }));
  // The small disks are mounted in folders of their own.
  const directories = [scene.images, '/tmp'];
  server = owned.use(await openTestServer({ migration: { ...scene.settings, directories } }));
  api = new MigrationApi(server.url);
});
after(() => owned.disposeAsync());

describe('a destination that is full', () => {
  it('is told of, and the job goes on where it was once there is room', async (t) => {
    using disk = SmallDisk.mount(t, 2 * MIBS);
    if (disk === undefined) return;
    const { account } = scene.libvirt.libvirtd;
    if (account !== undefined) await chown(disk.path, account.uid, account.gid);
    let id;
    {
      using _slow = scene.vsphere.troubleBytes({ vm: 'full', bytesPerSecond: 4 * MIB });
      id = await api.submit(scene.request('full', { directory: disk.path }));
      await sent('full', 5 * MIB);
      disk.fill('blocks');
    }
    const { last_error: error } = await api.when(id, (job) => job.last_error !== null);
    assert.deepEqual([error?.kind, error?.reason], ['resource_exhausted', 'DISK_FULL']);
    assert.match(error?.message ?? '', /full; make room there/);
    disk.makeRoom();
    await api.completed(id);
    assert.deepEqual(await scene.filesOf('full', disk.path), ['full-0.qcow2']);
    const again = scene.vsphere.served({ vm: 'full' }) - MIBS * MIB;
    assert.ok(again <= 4 * MIB, `${again} bytes came again`);
    await scene.libvirt.virsh('undefine', '--domain=full');
  });

  it('and stays so fails the job, and cleaning up takes away what it left', async (t) => {
    using disk = SmallDisk.mount(t, SMALL_MIB);
    if (disk === undefined) return;
    const id = await api.submit(scene.request('stays', { directory: disk.path, mostAttempts: 1 }));
    const { status, error } = await api.finish(id);
    assert.equal(status, 'failed');
    assert.match(error ?? '', /full; make room there/);
    assert.notDeepEqual(await scene.filesOf('stays', disk.path), []);
    const { json } = await api.call('POST', `/jobs/${id}/clean`);
    assert.match(JSON.stringify(json['removed']), /stays-0-/);
    assert.deepEqual(await scene.filesOf('stays', disk.path), []);
    await scene.assertNothingLeft('stays');
  });
});

describe('a disk that loses what was written to it', () => {
  it('is found out by reading it back, and nothing is defined', async () => {
    const [, second] = scene.vsphere.vm('rotten').disks;
    let id;
    {
      using _slow = scene.vsphere.troubleBytes({
        ...{ vm: 'rotten', label: second?.label ?? '', bytesPerSecond: 2 * MIB },
      });
      const options = { parallel_disks: 1 };
      id = await api.submit(scene.request('rotten', { options }));
      await sent('rotten', 9 * MIB);
      const [image = ''] = await scene.filesOf('rotten');
      await spoil(join(scene.images, image), 2 * MIB);
    }
    const { status, last_error: error } = await api.finish(id);
    assert.deepEqual([status, error?.reason], ['failed', 'DISK_IMAGE_DIFFERS']);
    assert.ok(!(await scene.domains()).includes('rotten'));
    await api.call('POST', `/jobs/${id}/clean`);
    await scene.assertNothingLeft('rotten');
  });
});

describe('a libvirtd that is gone', { concurrency: 2 }, () => {
  it('from the beginning is waited for, and nothing is read meanwhile', async () => {
    const gate = scene.gate('awaited');
    await gate.stop();
    const id = await api.submit(scene.request('awaited'));
    const { last_error: error } = await api.when(id, (job) => job.last_error !== null);
    assert.equal(error?.kind, 'unavailable');
    assert.equal(scene.vsphere.served({ vm: 'awaited' }), 0);
    await gate.start();
    await api.completed(id);
    await scene.assertMoved('awaited');
  });

  it('when the VM is to be defined is waited for, and no disk is read again', async () => {
    const gate = scene.gate('away');
    using held = gate.hold('define', 'call');
    const id = await api.submit(scene.request('away'));
    await held.reached();
    await gate.stop();
    const { last_error: error } = await api.when(id, (job) => job.last_error !== null);
    assert.equal(error?.kind, 'unavailable');
    assert.ok(existsSync(join(scene.images, 'away-0.qcow2')));
    await gate.start();
    await api.completed(id);
    await scene.assertMoved('away');
    // What comes beside the disk are single bytes that show whether it can be read.
    assert.ok(scene.vsphere.served({ vm: 'away' }) < MIBS * MIB + 16);
  });
});

async function sent(vm: string, bytes: number): Promise<void> {
  const look = () => (scene.vsphere.served({ vm }) > bytes ? true : undefined);
  await until(look, `${bytes} bytes of ${vm}`);
}

/** One bit, as a disk does that forgets. */
async function spoil(path: string, offset: number): Promise<void> {
  await using file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  await file.write(Buffer.from([byte.readUInt8(0) ^ 1]), 0, 1, offset);
}
