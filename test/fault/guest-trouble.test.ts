/** QEMU killed, stopped or cut off from outside, behind the back of the server. */
import assert from 'node:assert/strict';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { ask, call } from '#test/api-client.ts';
import {
  BARE,
  consoleSays,
  createDemo,
  eventOf,
  infoOf,
  READY,
  refused,
  runDemo,
} from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';
import {
  assertClearError,
  assertEmpty,
  assertSound,
  eventually,
  writtenCommands,
} from '#test/fault/host-state.ts';
import { IS_WHOLE } from '#test/whole.ts';

/** What no call on another machine may take, however slow this host is. */
const PROMPT_MS = 2500;

async function promptly<T>(what: string, work: Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work;
  const tookMs = Math.round(performance.now() - startedAt);
  assert.ok(tookMs < PROMPT_MS, `${what} took ${tookMs} ms`);
  return result;
}

async function createAndDelete(host: DroverHost): Promise<void> {
  await ask(host, 'DeleteVm', { vm_id: await createDemo(host, BARE) });
}

describe('a QEMU that is killed from outside', () => {
  it('is known within a second, with an event that says so, and boots again', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, BARE);
    const pid = await host.guestPid(vmId);
    const isOff = eventOf(host, vmId, ({ state }) => state === VmState.SHUTDOWN);
    process.kill(pid, 'SIGKILL');
    const event = await promptly('noticing it', isOff);
    assert.deepEqual([event.reason, event.previousState], ['process-died', VmState.RUNNING]);
    assert.match(event.message, /SIGKILL/);
    const info = await infoOf(host, vmId);
    assert.deepEqual([info.state, info.state_reason], ['VM_STATE_SHUTDOWN', 'process-died']);
    assert.equal(info.metrics, null);
    await assertSound(host);
    assert.equal((await ask(host, 'BootVm', { vm_id: vmId })).state, 'VM_STATE_RUNNING');
    await consoleSays(host, vmId, new RegExp(`${READY.source}[^]*${READY.source}`));
    await assertSound(host);
  });

  it('in the middle of a shutdown ends the shutdown', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, BARE);
    const pid = await host.guestPid(vmId);
    process.kill(pid, 'SIGSTOP');
    const asked = ask(host, 'ShutdownVm', { vm_id: vmId, timeout_seconds: 60 });
    process.kill(pid, 'SIGKILL');
    assert.equal((await asked).state, 'VM_STATE_SHUTDOWN');
    await assertSound(host);
  });
});

describe('a QEMU that is stuck', { concurrency: 2 }, () => {
  it('delays no other machine and no read, and ends by force', async (t) => {
    const host = await DroverHost.start(t);
    const [stuck, other] = await Promise.all([runDemo(host, BARE), runDemo(host, BARE)]);
    process.kill(await host.guestPid(stuck), 'SIGSTOP');
    const pausing = refused(host, 'PauseVm', { vm_id: stuck });

    for (const method of ['PauseVm', 'ResumeVm']) {
      await promptly(method, ask(host, method, { vm_id: other }));
      await promptly('GetVmInfo of another', infoOf(host, other));
      const info = await promptly('GetVmInfo of the stuck one', infoOf(host, stuck));
      assert.equal(info.state, 'VM_STATE_RUNNING');
      await promptly('ListVms', ask(host, 'ListVms'));
      await promptly('CreateVm and DeleteVm', createAndDelete(host));
    }

    const error = await pausing;
    assertClearError(error);
    assert.match(error.code, /deadline_exceeded|unavailable/);
    const down = await ask(host, 'ShutdownVm', { vm_id: stuck, force: true });
    assert.deepEqual([down.state, down.outcome], ['VM_STATE_SHUTDOWN', 'killed']);
    const states = await assertSound(host);
    assert.equal(states.get(other), 'VM_STATE_RUNNING');
    assert.equal((await ask(host, 'BootVm', { vm_id: stuck })).state, 'VM_STATE_RUNNING');
  });

  if (IS_WHOLE) {
    it('is ended by force while another command still waits for it', async (t) => {
      const host = await DroverHost.start(t);
      const vmId = await runDemo(host, BARE);
      process.kill(await host.guestPid(vmId), 'SIGSTOP');
      const asked = call(host, 'ShutdownVm', { vm_id: vmId, timeout_seconds: 120 });
      await eventually(async () => {
        await Promise.resolve();
        assert.equal(writtenCommands(host).at(-1)?.kind, 'shutdown');
      });
      const forced = ask(host, 'ShutdownVm', { vm_id: vmId, force: true });
      assert.equal((await promptly('the forced one', forced)).state, 'VM_STATE_SHUTDOWN');
      assert.equal((await asked).json.outcome, 'killed-by-later-command');
      await assertSound(host);
    });
  }

  it('is found again as it was known, and deleted by force', async (t) => {
    const host = await DroverHost.start(t);
    const [stuck, other] = await Promise.all([runDemo(host, BARE), runDemo(host, BARE)]);
    const pid = await host.guestPid(stuck);
    process.kill(pid, 'SIGSTOP');
    await host.crashAndRestart();
    assert.equal(await host.guestPid(stuck), pid);
    const states = await assertSound(host);
    assert.deepEqual([...states.values()], ['VM_STATE_RUNNING', 'VM_STATE_RUNNING']);
    await promptly('PauseVm', ask(host, 'PauseVm', { vm_id: other }));
    const error = await refused(host, 'PauseVm', { vm_id: stuck });
    assertClearError(error);
    await ask(host, 'DeleteVm', { vm_id: stuck, force: true });
    await ask(host, 'DeleteVm', { vm_id: other, force: true });
    await assertEmpty(host);
  });
});

describe('a QEMU whose control socket is gone', { concurrency: 2 }, () => {
  it('obeys the connection that is there, and afterwards force alone', async (t) => {
    const host = await DroverHost.start(t);
    const ids = await Promise.all([runDemo(host, BARE), runDemo(host, BARE)]);
    const pids = await host.guests();
    for (const vmId of ids) await rm(join(host.machineDir(vmId), 'qmp.sock'));
    for (const vm_id of ids) {
      assert.equal((await ask(host, 'PauseVm', { vm_id })).state, 'VM_STATE_PAUSED');
      assert.equal((await ask(host, 'ResumeVm', { vm_id })).state, 'VM_STATE_RUNNING');
    }

    await host.crashAndRestart();
    assert.deepEqual(await host.guests(), pids);
    const states = await assertSound(host);
    for (const vmId of ids) assert.equal(states.get(vmId), 'VM_STATE_RUNNING');
    const error = await refused(host, 'PauseVm', { vm_id: ids[0] });
    assertClearError(error);
    assert.deepEqual([error.code, error.reason], ['unavailable', 'GUEST_UNREACHABLE']);
    const down = await ask(host, 'ShutdownVm', { vm_id: ids[0], force: true });
    assert.deepEqual([down.state, down.outcome], ['VM_STATE_SHUTDOWN', 'killed']);
    await ask(host, 'DeleteVm', { vm_id: ids[1], force: true });
    assert.equal((await assertSound(host)).size, 1);
    await ask(host, 'DeleteVm', { vm_id: ids[0] });
    await assertEmpty(host);
  });

  if (IS_WHOLE) {
    it('is under control again when the socket is back', async (t) => {
      const host = await DroverHost.start(t);
      const vmId = await runDemo(host, BARE);
      const socket = join(host.machineDir(vmId), 'qmp.sock');
      await rename(socket, `${socket}.away`);
      await host.crashAndRestart();
      await refused(host, 'PauseVm', { vm_id: vmId });
      await rename(`${socket}.away`, socket);
      assert.equal((await ask(host, 'PauseVm', { vm_id: vmId })).state, 'VM_STATE_PAUSED');
      const down = await ask(host, 'ShutdownVm', { vm_id: vmId });
      assert.deepEqual([down.state, down.outcome], ['VM_STATE_SHUTDOWN', 'guest']);
    });
  }
});
