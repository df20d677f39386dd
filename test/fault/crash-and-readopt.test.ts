/** kill -9 of the server while machines run, and what the next server makes of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { ask } from '#test/api-client.ts';
import {
  BARE,
  consoleSays,
  eventOf,
  infoOf,
  readConsole,
  READY,
  refused,
  runDemo,
  stateOf,
} from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';
import { assertEmpty, assertSound, eventually, guestProcesses } from '#test/fault/host-state.ts';

/** Five machines, of which the first two count on their consoles; the first is paused. */
async function runFive(host: DroverHost): Promise<string[]> {
  const counting = { args: 'demo.ticks' };
  const ids = await Promise.all(
    [counting, counting, BARE, BARE, BARE].map((guest) => runDemo(host, guest)),
  );
  await Promise.all(ids.slice(0, 2).map((vmId) => consoleSays(host, vmId, /tick 1\r?\n/)));
  await ask(host, 'PauseVm', { vm_id: ids[0] });
  return ids;
}

async function ticksFrom(host: DroverHost, vmId: string, offset: number): Promise<number> {
  const match = await consoleSays(host, vmId, /tick (\d+)\r?\n/, { offset });
  return Number(match[1]);
}

describe('machines that run when the server is killed', { concurrency: 2 }, () => {
  it('run on as the same processes, and obey the next server', async (t) => {
    const host = await DroverHost.start(t);
    const [paused = '', ...running] = await runFive(host);
    const pids = await host.guests();
    const before = await Promise.all(running.map((vmId) => infoOf(host, vmId)));
    const mark = await readConsole(host, running[0] ?? '');

    await host.crashAndRestart();
    assert.deepEqual(await host.guests(), pids);
    const states = await assertSound(host);
    assert.equal(states.get(paused), 'VM_STATE_PAUSED');
    for (const vmId of running) assert.equal(states.get(vmId), 'VM_STATE_RUNNING');
    const after = await Promise.all(running.map((vmId) => infoOf(host, vmId)));
    for (const [at, info] of after.entries()) {
      // A guest that waits for nothing but its power button may need no processor for a while.
      assert.ok(info.metrics.cpu_time_nanos >= before[at].metrics.cpu_time_nanos);
      assert.ok(info.metrics.uptime_seconds >= before[at].metrics.uptime_seconds);
    }

    const [first = '', second = '', third = '', fourth = ''] = running;
    // The console goes on where it was: the same offsets, the next tick.
    const told = await readConsole(host, first);
    assert.ok(told.text.startsWith(mark.text) && told.nextOffset >= mark.nextOffset);
    const last = Number(/.*tick (\d+)\r?\n/s.exec(mark.text)?.[1]);
    assert.ok((await ticksFrom(host, first, mark.nextOffset)) > last);

    assert.equal((await ask(host, 'ResumeVm', { vm_id: paused })).state, 'VM_STATE_RUNNING');
    await ticksFrom(host, paused, (await readConsole(host, paused)).nextOffset);
    assert.equal((await ask(host, 'PauseVm', { vm_id: first })).state, 'VM_STATE_PAUSED');
    const down = await ask(host, 'ShutdownVm', { vm_id: second });
    assert.deepEqual([down.state, down.outcome], ['VM_STATE_SHUTDOWN', 'guest']);
    assert.equal((await refused(host, 'DeleteVm', { vm_id: third })).code, 'failed_precondition');
    await ask(host, 'DeleteVm', { vm_id: third, force: true });
    const rebooted = await ask(host, 'RebootVm', { vm_id: fourth, force: true });
    assert.equal(rebooted.outcome, 'reset');
    assert.equal((await host.guests()).get(fourth), pids.get(fourth));
    assert.equal((await assertSound(host)).size, 4);

    const rest = [paused, first, second, fourth];
    await Promise.all(rest.map((vm_id) => ask(host, 'DeleteVm', { vm_id, force: true })));
    await assertEmpty(host);
  });

  it('are off, for a reason nobody knows, when their process ended meanwhile', async (t) => {
    const host = await DroverHost.start(t);
    const [gone, there] = await Promise.all([runDemo(host, BARE), runDemo(host, BARE)]);
    const pid = await host.guestPid(gone);
    await host.crash();
    process.kill(pid, 'SIGKILL');
    await eventually(async () => assert.equal((await host.guests()).has(gone), false));
    await host.up();
    const info = await infoOf(host, gone);
    assert.deepEqual([info.state, info.state_reason], ['VM_STATE_SHUTDOWN', 'unknown']);
    const event = await eventOf(host, gone, ({ state }) => state === VmState.SHUTDOWN);
    assert.deepEqual([event.reason, event.previousState], ['unknown', VmState.RUNNING]);
    assert.equal((await assertSound(host)).get(there), 'VM_STATE_RUNNING');
    const { nextOffset } = await readConsole(host, gone);
    assert.equal((await ask(host, 'BootVm', { vm_id: gone })).state, 'VM_STATE_RUNNING');
    await consoleSays(host, gone, READY, { offset: nextOffset });
  });

  it('are noticed at once when they end after it', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, BARE);
    await host.crashAndRestart();
    await host.crashAndRestart();
    const [guest] = await guestProcesses(host);
    process.kill(guest?.pid ?? 0, 'SIGKILL');
    await eventOf(host, vmId, ({ state }) => state === VmState.SHUTDOWN, { timeoutMs: 3000 });
    assert.equal(await stateOf(host, vmId), 'VM_STATE_SHUTDOWN');
    assert.equal((await infoOf(host, vmId)).state_reason, 'process-died');
    await assertSound(host);
  });
});
