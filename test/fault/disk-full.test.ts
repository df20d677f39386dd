/** The disk of the host fills up, and later has room again. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';

import { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { ask, callMachines, get, OPERATOR, type Json } from '#test/api-client.ts';
import {
  BARE,
  consoleSays,
  createDemo,
  demoConfig,
  eventOf,
  infoOf,
  readConsole,
  READY,
  refused,
  runDemo,
  stateOf,
} from '#test/demo-vm.ts';
import { DroverHost, type DroverHostOptions } from '#test/drover-host.ts';
import { assertClearError, assertEmpty, assertSound, eventually } from '#test/fault/host-state.ts';
import { SmallDisk } from '#test/fault/small-disk.ts';
import { IS_WHOLE } from '#test/whole.ts';

const LACKS: readonly ('blocks' | 'inodes')[] = IS_WHOLE ? ['blocks', 'inodes'] : ['inodes'];

const DISK_MIB = 48;

interface Place {
  readonly host: DroverHost;
  readonly disk: SmallDisk;
}

/** A host whose data directory is the small disk. */
async function startOnSmallDisk(
  t: TestContext,
  options: DroverHostOptions = {},
): Promise<Place | undefined> {
  const disk = SmallDisk.mount(t, DISK_MIB);
  if (disk === undefined) return undefined;
  const host = await DroverHost.open(t, { ...options, dataDir: disk.path });
  // After the host, whose guests are on it until they are ended.
  t.after(() => disk[Symbol.dispose]());
  await host.up();
  return { host, disk };
}

/** Fills the disk, and what room the database has of its own with the smallest change there is. */
async function fillUp({ host, disk }: Place): Promise<void> {
  disk.fill('blocks');
  for (let limit = 1; limit < 5000; limit += 1) {
    const request = { customer_id: 'filler', limits: { max_machines: limit } };
    const { status, json } = await callMachines(host, 'SetQuota', request, OPERATOR);
    if (status === 200) continue;
    assert.equal(json.details[0].reason, 'STORAGE_FULL');
    return;
  }
  assert.fail('the database never filled up');
}

function assertStorageFull(error: Json): void {
  assertClearError(error);
  assert.deepEqual([error.code, error.status], ['unavailable', 503]);
  assert.equal(error.reason, 'STORAGE_FULL');
  assert.match(error.message, /full/);
}

describe('a full disk under the data directory', { concurrency: 2 }, () => {
  it('refuses what cannot be stored, half makes nothing, and forgives', async (t) => {
    const place = await startOnSmallDisk(t);
    if (place === undefined) return;
    const { host, disk } = place;
    const [created, running] = [await createDemo(host, BARE), await runDemo(host, BARE)];
    const before = await ask(host, 'ListVms');
    await fillUp(place);

    assertStorageFull(await refused(host, 'CreateVm', { vm_id: 'late', config: demoConfig(BARE) }));
    for (const method of ['BootVm', 'DeleteVm']) {
      assertStorageFull(await refused(host, method, { vm_id: created }));
    }
    for (const method of ['PauseVm', 'ShutdownVm', 'RebootVm']) {
      assertStorageFull(await refused(host, method, { vm_id: running }));
    }
    assert.deepEqual(statesIn(await ask(host, 'ListVms')), statesIn(before));
    assert.equal(await stateOf(host, created), 'VM_STATE_CREATED');
    assert.equal((await infoOf(host, running)).state, 'VM_STATE_RUNNING');
    assert.match((await readConsole(host, running)).text, READY);
    assert.equal((await get(host, '/metrics')).status, 200);
    await assertSound(host);

    disk.makeRoom();
    assert.equal(await createDemo(host, { id: 'late' }), 'late');
    for (const vm_id of ['late', created]) {
      assert.equal((await ask(host, 'BootVm', { vm_id })).state, 'VM_STATE_RUNNING');
      await consoleSays(host, vm_id, READY);
    }
    await ask(host, 'PauseVm', { vm_id: running });
    await assertSound(host);
    for (const vm_id of ['late', created, running]) {
      await ask(host, 'DeleteVm', { vm_id, force: true });
    }
    await assertEmpty(host);
  });

  it('records what happened meanwhile as soon as there is room', async (t) => {
    const place = await startOnSmallDisk(t);
    if (place === undefined) return;
    const { host, disk } = place;
    const [killed, bystander] = [await runDemo(host, BARE), await runDemo(host, BARE)];
    await fillUp(place);
    process.kill(await host.guestPid(killed), 'SIGKILL');
    await eventually(async () => {
      await Promise.resolve();
      assert.match(host.log, /storage is unavailable; trying again/);
    });
    // The old state is told for as long as the new one is not written; nobody waits for it.
    assert.equal(await stateOf(host, killed), 'VM_STATE_RUNNING');
    assert.equal(await stateOf(host, bystander), 'VM_STATE_RUNNING');
    disk.makeRoom();
    const event = await eventOf(host, killed, ({ state }) => state === VmState.SHUTDOWN);
    assert.equal(event.reason, 'process-died');
    const states = await assertSound(host);
    assert.equal(states.get(bystander), 'VM_STATE_RUNNING');
    await ask(host, 'BootVm', { vm_id: killed });
    await assertSound(host);
  });

  it('does not keep a server that was killed from starting again', async (t) => {
    const place = await startOnSmallDisk(t);
    if (place === undefined) return;
    const { host, disk } = place;
    const vmId = await runDemo(host, BARE);
    const pid = await host.guestPid(vmId);
    await fillUp(place);
    await host.crash();
    await host.up();
    const [found] = (await ask(host, 'ListVms')).vms;
    assert.deepEqual([found.vm_id, found.state], [vmId, 'VM_STATE_RUNNING']);
    assertStorageFull(await refused(host, 'PauseVm', { vm_id: vmId }));
    disk.makeRoom();
    assert.equal(await host.guestPid(vmId), pid);
    await ask(host, 'PauseVm', { vm_id: vmId });
    assert.equal((await assertSound(host)).get(vmId), 'VM_STATE_PAUSED');
  });
});

describe('a disk under the machines alone', { concurrency: 2 }, () => {
  for (const lacks of LACKS) {
    it(`that has no ${lacks} left refuses to boot, and boots when there is room`, async (t) => {
      const elsewhere = await mkdtemp(join(tmpdir(), 'drover-fault-db-'));
      t.after(() => rm(elsewhere, { recursive: true, force: true }));
      await chmod(elsewhere, 0o755);
      const flags = ['--database', `sqlite:${join(elsewhere, 'drover.db')}`];
      const place = await startOnSmallDisk(t, { flags });
      if (place === undefined) return;
      const { host, disk } = place;
      const running = await runDemo(host, BARE);
      const vmId = await createDemo(host);
      disk.fill(lacks);
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        const error = await refused(host, 'BootVm', { vm_id: vmId });
        assertClearError(error);
        assert.deepEqual([error.code, error.reason], ['resource_exhausted', 'HOST_DISK_FULL']);
        assert.equal(await stateOf(host, vmId), 'VM_STATE_CREATED');
        await assertSound(host);
      }
      // What runs can be told everything but to start anew.
      await ask(host, 'PauseVm', { vm_id: running });
      await ask(host, 'ResumeVm', { vm_id: running });
      const second = await createDemo(host, BARE);
      await ask(host, 'DeleteVm', { vm_id: second });
      await ask(host, 'ShutdownVm', { vm_id: running });
      disk.makeRoom();
      for (const vm_id of [vmId, running]) {
        assert.equal((await ask(host, 'BootVm', { vm_id })).state, 'VM_STATE_RUNNING');
      }
      await consoleSays(host, vmId, READY);
      for (const vm_id of [vmId, running]) await ask(host, 'DeleteVm', { vm_id, force: true });
      await assertEmpty(host);
    });
  }
});

function statesIn(list: Json): Json {
  return list.vms.map(({ vm_id, state }: Json) => [vm_id, state]);
}
