/** What can go wrong at the source, or on the way from it, while a VM is read. */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { MIB } from '#kernel/units.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { MigrationApi } from '#test/migration-api.ts';
import { CuttingRelay } from '#test/migration-relay.ts';
import { MigrationScene, type RequestChanges } from '#test/migration-scene.ts';
import { until } from '#test/until.ts';

const MIBS = 16;
const CAPACITY = MIBS * MIB;
const PIECE_BYTES = MIB / 4;
const MARK_BYTES = 2 * MIB;
/** Asked for when it broke, or sent and still in the buffers of sockets. */
const UNDER_WAY_BYTES = 16 * PIECE_BYTES;
const ONE = [MIBS];
const VMS = {
  ...{ 'cut-ranges': ONE, 'cut-stream': [8, MIBS], 'bit-stream': ONE, 'bit-ranges': ONE },
  ...{ 'short-ranges': ONE, 'short-stream': ONE, 'lost-lease': ONE },
  ...{ 'restart-ranges': ONE, 'restart-stream': ONE, session: ONE },
};

const owned = new AsyncDisposableStack();
let scene: MigrationScene;
let server: TestServer;
let api: MigrationApi;
before(async () => {
  scene = owned.use(await MigrationScene.open({ vms: VMS, vsphere: { mostObjectsPerPage: 4 } }));
  server = owned.use(await openTestServer({ migration: scene.settings }));
  api = new MigrationApi(server.url);
});
after(() => owned.disposeAsync());

async function sent(vm: string, bytes: number): Promise<void> {
  const look = () => (scene.vsphere.served({ vm }) > bytes ? true : undefined);
  await until(look, `${bytes} bytes of ${vm}`);
}

/** Until it is disposed the VM's disks come so slowly that a test meets them on their way. */
function slowDown(vm: string): Disposable {
  return scene.vsphere.troubleBytes({ vm, bytesPerSecond: 4 * MIB });
}

describe('over datastore', { concurrency: 2 }, () => {
  const submit = async (vm: string, changes: RequestChanges = {}) =>
    await api.submit(scene.request(vm, changes));

  it('connections that break every few MiB cost little more than what was under way', async (t) => {
    await using relay = await CuttingRelay.open(scene.vsphere.url, 3 * MIB);
    const id = await submit('cut-ranges', { url: relay.url });
    const { attempts } = await api.completed(id);
    await scene.assertMoved('cut-ranges');
    assert.ok(relay.cuts >= 3, `${relay.cuts} cuts`);
    const again = scene.vsphere.served({ vm: 'cut-ranges' }) - CAPACITY;
    t.diagnostic(`${again} bytes came again after ${relay.cuts} cuts in ${attempts} attempts`);
    assert.equal(attempts, 1);
    assert.ok(again <= relay.cuts * PIECE_BYTES + 16, `${again} bytes came again`);
  });

  it('answers of another length than was asked for are asked for again', async () => {
    using _short = scene.vsphere.troubleBytes({
      ...{ vm: 'short-ranges', times: 3, endAfterBytes: 1000 },
    });
    const { attempts } = await api.completed(await submit('short-ranges'));
    await scene.assertMoved('short-ranges');
    assert.equal(attempts, 1);
  });

  it('a bit that turns below TLS, and before it, is what came: nobody can tell', async () => {
    const at = 5 * MIB + 4321;
    using _bit = scene.vsphere.troubleBytes({ vm: 'bit-ranges', flipBitAt: at });
    const { result } = await api.completed(await submit('bit-ranges'));
    assert.equal(result?.['export_method'], 'datastore');
    await assert.rejects(scene.assertMoved('bit-ranges'), /Content mismatch at offset 524/);
  });

  it('a restart of vCenter, and with it the loss of its sessions, is waited for', async () => {
    let id;
    {
      using _slow = slowDown('restart-ranges');
      id = await submit('restart-ranges');
      await sent('restart-ranges', 6 * MIB);
      await scene.vsphere.stop();
    }
    await scene.vsphere.start();
    await api.completed(id);
    await scene.assertMoved('restart-ranges');
    const again = scene.vsphere.served({ vm: 'restart-ranges' }) - CAPACITY;
    assert.ok(again <= MARK_BYTES + UNDER_WAY_BYTES, `${again} bytes came again`);
  });

  it('a session that ends in the middle is opened again, and the copy goes on', async () => {
    let id;
    {
      using _slow = slowDown('session');
      id = await submit('session');
      await sent('session', 6 * MIB);
      scene.vsphere.expireSessions();
    }
    await api.completed(id);
    await scene.assertMoved('session');
    const again = scene.vsphere.served({ vm: 'session' }) - CAPACITY;
    assert.ok(again <= MARK_BYTES + UNDER_WAY_BYTES, `${again} bytes came again`);
  });
});

describe('over nfc', { concurrency: 2 }, () => {
  const submit = async (vm: string, changes: RequestChanges = {}) =>
    await api.submit(scene.request(vm, { method: 'nfc', ...changes }));

  it('a connection that breaks costs the disk that was under way, and no other', async () => {
    const [first, second] = scene.vsphere.vm('cut-stream').disks;
    using _cut = scene.vsphere.troubleBytes({
      ...{ vm: 'cut-stream', label: second?.label ?? '', times: 2, cutAfterBytes: 5 * MIB },
    });
    const request = { method: 'nfc', options: { parallel_disks: 1 } } as const;
    const id = await api.submit(scene.request('cut-stream', request));
    const { attempts } = await api.completed(id);
    assert.equal(attempts, 3);
    await scene.assertMoved('cut-stream');
    const { size } = await stat((await first?.streamPath()) ?? '');
    const label = first?.label ?? '';
    assert.equal(scene.vsphere.served({ vm: 'cut-stream', label }), size);
    assert.deepEqual(scene.leasesOf('cut-stream'), []);
  });

  it('a bit that turned is seen, and the disk is asked for again', async () => {
    using _bit = scene.vsphere.troubleBytes({
      ...{ vm: 'bit-stream', times: 1, flipBitAt: 3 * MIB + 17 },
    });
    const id = await submit('bit-stream');
    const { last_error: error } = await api.when(id, (job) => job.last_error !== null);
    assert.equal(error?.reason, 'SOURCE_DAMAGED');
    const { attempts } = await api.completed(id);
    assert.equal(attempts, 2);
    await scene.assertMoved('bit-stream');
    assert.deepEqual(scene.leasesOf('bit-stream'), []);
  });

  it('a stream that ends too soon is no whole disk, however well it ends', async () => {
    using _end = scene.vsphere.troubleBytes({ vm: 'short-stream', endAfterBytes: 6 * MIB });
    const id = await submit('short-stream', { mostAttempts: 1 });
    const { status, error } = await api.finish(id);
    assert.equal(status, 'failed');
    assert.match(error ?? '', /^what the source sent cannot be the disk: .*ends/);
    assert.deepEqual(scene.leasesOf('short-stream'), []);
    await api.call('POST', `/jobs/${id}/clean`);
    await scene.assertNothingLeft('short-stream');
  });

  it('a lease that expires in the middle ends the attempt, and the next has its own', async () => {
    let id;
    const { opened } = scene.vsphere.leases;
    {
      using _slow = slowDown('lost-lease');
      id = await submit('lost-lease');
      await sent('lost-lease', 4 * MIB);
      await scene.vsphere.expireLeases();
      await api.when(id, ({ last_error: error }) => error !== null);
    }
    await api.completed(id);
    await scene.assertMoved('lost-lease');
    assert.ok(scene.vsphere.leases.opened >= opened + 2);
    assert.deepEqual(scene.leasesOf('lost-lease'), []);
  });

  it('a restart of vCenter takes the lease with it, and the next attempt has its own', async () => {
    let id;
    {
      using _slow = slowDown('restart-stream');
      id = await submit('restart-stream');
      await sent('restart-stream', 4 * MIB);
      await scene.vsphere.stop();
    }
    await scene.vsphere.start();
    await api.completed(id);
    await scene.assertMoved('restart-stream');
    assert.deepEqual(scene.leasesOf('restart-stream'), []);
  });
});

describe('a list of VMs', () => {
  it('whose session ends between two pages is complete', async () => {
    const { url, username, password, trust } = scene.vsphere.login;
    const login = { vcenter_url: url, username, password, ca: trust.ca };
    await api.call('POST', '/vms/list', login);
    using _end = scene.vsphere.troubleCalls({
      ...{ method: 'ContinueRetrievePropertiesEx', times: 1 },
      outcome: { fault: 'NotAuthenticated' },
    });
    const logins = scene.vsphere.calls('Login');
    const { status, json } = await api.call('POST', '/vms/list', login);
    assert.equal(status, 200);
    assert.equal(scene.vsphere.calls('Login'), logins + 1);
    const names = (json['vms'] as { name: string }[]).map(({ name }) => name);
    assert.deepEqual(
      Object.keys(VMS).filter((name) => !names.includes(name)),
      [],
    );
  });
});
