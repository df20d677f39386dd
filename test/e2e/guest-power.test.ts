/** How guests pause and end, by request and by themselves, and what is told of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { ask } from '#test/api-client.ts';
import {
  BARE,
  consoleSays,
  createDemo,
  DEAF,
  eventOf,
  infoOf,
  readConsole,
  runDemo,
  stateOf,
} from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';

const sleep = (ms: number) => new Promise((resolve) => void setTimeout(resolve, ms));

/** How long after its process was gone the machine was known to be off. */
async function noticedAfterMs(host: DroverHost, vmId: string): Promise<number> {
  for (let look = 0; (await host.guests()).has(vmId); look += 1) {
    if (look > 1500) assert.fail(`${vmId} does not end`);
    await sleep(20);
  }
  const goneAt = performance.now();
  await eventOf(host, vmId, ({ state }) => state === VmState.SHUTDOWN);
  return performance.now() - goneAt;
}

describe('a paused machine', { concurrency: 2 }, () => {
  it('stands still on its console, and goes on where it was', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, { args: 'demo.ticks' });
    await consoleSays(host, vmId, /tick 2\r?\n/);
    await ask(host, 'PauseVm', { vm_id: vmId });
    const { text, nextOffset } = await readConsole(host, vmId);
    await sleep(2500);
    assert.equal((await readConsole(host, vmId)).nextOffset, nextOffset);
    await ask(host, 'ResumeVm', { vm_id: vmId });
    const last = Number(/.*tick (\d+)\r?\n/s.exec(text)?.[1]);
    const next = await consoleSays(host, vmId, /tick (\d+)\r?\n/, { offset: nextOffset });
    assert.equal(Number(next[1]), last + 1);
  });

  it('is resumed in order to be shut down, since it could not hear the request', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, BARE);
    await ask(host, 'PauseVm', { vm_id: vmId });
    const down = await ask(host, 'ShutdownVm', { vm_id: vmId });
    assert.deepEqual([down.state, down.outcome], ['VM_STATE_SHUTDOWN', 'guest']);
  });
});

describe('a guest that is still booting', () => {
  it('is asked to power off again until it hears', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await createDemo(host);
    await ask(host, 'BootVm', { vm_id: vmId });
    const down = await ask(host, 'ShutdownVm', { vm_id: vmId, timeout_seconds: 60 });
    assert.equal(down.outcome, 'guest');
    const { text } = await readConsole(host, vmId);
    assert.match(text, /drover-demo powering off/);
  });
});

describe('a guest that does not listen', { concurrency: 2 }, () => {
  it('is killed after the time it was given, and the answer and the event say so', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, DEAF);
    const startedAt = performance.now();
    const down = await ask(host, 'ShutdownVm', { vm_id: vmId, timeout_seconds: 2 });
    assert.deepEqual(down, {
      success: true,
      state: 'VM_STATE_SHUTDOWN',
      outcome: 'killed-after-timeout',
    });
    assert.ok(performance.now() - startedAt >= 2000);
    assert.equal((await host.guests()).size, 0);
    await eventOf(host, vmId, ({ reason }) => reason === 'killed-after-timeout');
  });

  it('is killed at once by force, also while it is being asked', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, DEAF);
    const asked = ask(host, 'ShutdownVm', { vm_id: vmId, timeout_seconds: 600 });
    await sleep(300);
    const forced = await ask(host, 'ShutdownVm', { vm_id: vmId, force: true });
    assert.equal(forced.state, 'VM_STATE_SHUTDOWN');
    assert.equal((await asked).outcome, 'killed-by-later-command');
    await ask(host, 'BootVm', { vm_id: vmId });
    const again = await ask(host, 'ShutdownVm', { vm_id: vmId, force: true });
    assert.equal(again.outcome, 'killed');
  });
});

describe('a guest that ends by itself', { concurrency: 2 }, () => {
  it('is off within a second when it powers off, with an event that says why', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, { args: 'demo.poweroff' });
    assert.ok((await noticedAfterMs(host, vmId)) < 1500);
    const info = await infoOf(host, vmId);
    assert.deepEqual([info.state, info.state_reason], ['VM_STATE_SHUTDOWN', 'guest-poweroff']);
    const event = await eventOf(host, vmId, ({ state }) => state === VmState.SHUTDOWN);
    assert.equal(event.reason, 'guest-poweroff');
    assert.equal(event.previousState, VmState.RUNNING);
    assert.equal(info.metrics, null);
  });

  it('is off within a second when it panics, with an event that says why', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await createDemo(host, { args: 'demo.crash' });
    await ask(host, 'BootVm', { vm_id: vmId });
    assert.ok((await noticedAfterMs(host, vmId)) < 1500);
    const info = await infoOf(host, vmId);
    assert.deepEqual([info.state, info.state_reason], ['VM_STATE_SHUTDOWN', 'guest-panic']);
    const { text } = await readConsole(host, vmId);
    assert.match(text, /panic/i);
    assert.equal((await ask(host, 'BootVm', { vm_id: vmId })).state, 'VM_STATE_RUNNING');
  });

  it('stays the same running machine when it restarts, with an event', async (t) => {
    const host = await DroverHost.start(t);
    const script = 'read -r boots </var/boots; [ "$boots" = 1 ] && exec /etc/drover/power reboot';
    const vmId = await createDemo(host, { script });
    await ask(host, 'BootVm', { vm_id: vmId });
    const pid = await host.guestPid(vmId);
    await consoleSays(host, vmId, /boots: 1[^]*rebooting[^]*boots: 2[^]*ready/);
    const event = await eventOf(host, vmId, ({ kind }) => kind === 'machine.rebooted');
    assert.equal(event.reason, 'guest-reset');
    assert.equal(await stateOf(host, vmId), 'VM_STATE_RUNNING');
    assert.equal(await host.guestPid(vmId), pid);
  });
});

describe('a reboot', () => {
  it('asks the guest, and by force resets the same process', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, BARE);
    const pid = await host.guestPid(vmId);
    const reset = await ask(host, 'RebootVm', { vm_id: vmId, force: true });
    assert.deepEqual([reset.state, reset.outcome], ['VM_STATE_RUNNING', 'reset']);
    assert.equal(await host.guestPid(vmId), pid);
    await consoleSays(host, vmId, /ready[^]*ready/);
    const asked = await ask(host, 'RebootVm', { vm_id: vmId });
    assert.deepEqual([asked.state, asked.outcome], ['VM_STATE_RUNNING', 'guest']);
    assert.notEqual(await host.guestPid(vmId), pid);
    await consoleSays(host, vmId, /ready[^]*ready[^]*ready/);
  });
});
