/** Commands that meet on one machine, and many machines at once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ask, call, type Answer, type Json } from '#test/api-client.ts';
import { BARE, consoleSays, createDemo, infoOf, READY, runDemo } from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';
import {
  assertClearError,
  assertEmpty,
  assertSound,
  guestProcesses,
} from '#test/fault/host-state.ts';
import { IS_WHOLE } from '#test/whole.ts';

const MANY = IS_WHOLE ? 20 : 8;
const HONEST = ['ok', 'failed_precondition', 'not_found', 'aborted', 'resource_exhausted'];

/** The code of an answer, which is a success or says clearly why not. */
function codeOf(answer: Answer | undefined): string {
  assert.ok(answer !== undefined);
  const { status, json } = answer;
  if (status === 200) return 'ok';
  assertClearError({ ...answer, ...json, reason: json.details?.[0]?.reason });
  assert.ok(HONEST.includes(json.code), answer.text);
  return json.code;
}

describe('one machine that is told several things at once', () => {
  it('boots once when it is told to boot ten times', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await createDemo(host, BARE);
    const boots = Array.from({ length: 10 }, async () => call(host, 'BootVm', { vm_id: vmId }));
    const answers = await Promise.all(boots);
    const refusals = answers.filter((answer) => codeOf(answer) !== 'ok');
    assert.equal(refusals.length, 9);
    for (const { json } of refusals) {
      assert.equal(json.code, 'failed_precondition');
      assert.equal(json.details[0].metadata.state, 'running');
    }
    assert.equal((await assertSound(host)).get(vmId), 'VM_STATE_RUNNING');
    await consoleSays(host, vmId, READY);
  });

  it('is gone when it is told to boot and to be deleted by force', async (t) => {
    const host = await DroverHost.start(t);
    for (const isDeleteFirst of [false, true, false, true, false, true]) {
      const vmId = await createDemo(host, BARE);
      const commands = [
        async () => call(host, 'BootVm', { vm_id: vmId }),
        async () => call(host, 'DeleteVm', { vm_id: vmId, force: true }),
      ];
      if (isDeleteFirst) commands.reverse();
      const answers = await Promise.all(commands.map(async (command) => command()));
      const codes = answers.map(codeOf);
      assert.equal(codes[isDeleteFirst ? 0 : 1], 'ok');
      await assertEmpty(host);
    }
  });

  it('does one of a shutdown and a reboot after the other', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, BARE);
    // Asked while it boots anew, the guest may not hear its button; then it is killed in time.
    const answers = await Promise.all([
      call(host, 'RebootVm', { vm_id: vmId }),
      call(host, 'ShutdownVm', { vm_id: vmId, timeout_seconds: 3 }),
    ]);
    const codes = answers.map(codeOf);
    const state = (await assertSound(host)).get(vmId);
    assert.equal(state, 'VM_STATE_SHUTDOWN');
    assert.equal(codes[1], 'ok');
    assert.match(codes[0] ?? '', /^(ok|failed_precondition)$/);
  });

  it('answers every caller while commands of all kinds pour in', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, BARE);
    const body = { vm_id: vmId, force: true };
    const methods = ['PauseVm', 'ResumeVm', 'RebootVm', 'PauseVm', 'BootVm'];
    const told = async (method: string) =>
      codeOf(await call(host, method, method === 'RebootVm' ? body : { vm_id: vmId }));
    await Promise.all([...methods, ...methods].map(told));
    const { state } = await infoOf(host, vmId);
    assert.match(state, /RUNNING|PAUSED/);
    await assertSound(host);

    const storm = [...methods, ...methods].map(told);
    const ends = ['ShutdownVm', 'DeleteVm', 'DeleteVm', 'ShutdownVm'];
    const ended = ends.map(async (method) => codeOf(await call(host, method, body)));
    await Promise.all(storm);
    assert.ok((await Promise.all(ended)).includes('ok'));
    await assertEmpty(host);
  });
});

describe('many machines at once', () => {
  it('are created, booted, controlled and deleted together', async (t) => {
    const host = await DroverHost.start(t, { flags: ['--capacity-vcpus-per-core', '64'] });
    const ids = await Promise.all(Array.from({ length: MANY }, async () => createDemo(host)));
    assert.equal(new Set(ids).size, MANY);
    const all = async (method: string, fields: Json = {}): Promise<Set<string>> => {
      const calls = ids.map(async (vm_id) => ask(host, method, { vm_id, ...fields }));
      return new Set((await Promise.all(calls)).map(({ state }) => state));
    };

    assert.deepEqual(await all('BootVm'), new Set(['VM_STATE_RUNNING']));
    const states = await assertSound(host);
    assert.deepEqual(new Set(states.values()), new Set(['VM_STATE_RUNNING']));
    const processes = await guestProcesses(host);
    assert.equal(new Set(processes.map(({ pid }) => pid)).size, MANY);
    assert.deepEqual(await all('PauseVm'), new Set(['VM_STATE_PAUSED']));
    await assertSound(host);
    // A few go on to the end of their boot while the others stand still.
    const few = ids.slice(0, 3);
    await Promise.all(few.map(async (vm_id) => ask(host, 'ResumeVm', { vm_id })));
    await Promise.all(few.map(async (vmId) => consoleSays(host, vmId, READY)));
    await Promise.all(few.map(async (vm_id) => ask(host, 'ShutdownVm', { vm_id })));
    assert.equal((await guestProcesses(host)).length, MANY - few.length);

    await all('DeleteVm', { force: true });
    await assertEmpty(host);
  });
});
