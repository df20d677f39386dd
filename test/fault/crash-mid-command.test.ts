/**
 * kill -9 of the server at many moments of a command. What was written down before it died tells
 * what the next server has to make of it: a command that is there is carried out to its end, one
 * that is not has never been asked for, and whatever was answered stays true.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ask, call, type Json } from '#test/api-client.ts';
import { BARE, consoleSays, createDemo, DEAF, eventOf, infoOf, runDemo } from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';
import {
  assertEmpty,
  assertSound,
  eventually,
  settled,
  sleep,
  writtenCommands,
} from '#test/fault/host-state.ts';
import { IS_WHOLE } from '#test/whole.ts';

/** Before, while and after the commands are written down; each costs two starts of a server. */
const DELAYS_MS = IS_WHOLE ? [0, 5, 20, 60, 150] : [5, 60];

interface Crash {
  /** Machines whose command was carried out as far as its caller knows. */
  readonly answered: ReadonlySet<string>;
  /** Machines whose command is in the database, ended or not. */
  readonly written: ReadonlySet<string>;
}

interface CrashOptions {
  readonly method: string;
  readonly ids: readonly string[];
  /** The server is killed so long after it was sent, or when this has come. */
  readonly moment: number | (() => Promise<unknown>);
  readonly fields?: Json;
}

/** Sends the command for each machine and kills the server in the middle of it. */
async function crashAmid(
  host: DroverHost,
  { method, ids, moment, fields = {} }: CrashOptions,
): Promise<Crash> {
  const before = writtenCommands(host).length;
  const answered = new Set<string>();
  const calls = ids.map(async (vmId) => {
    // Most connections are cut off, and that says nothing.
    const answer = await call(host, method, { vm_id: vmId, ...fields }).catch(() => undefined);
    if (answer === undefined) return;
    assert.equal(answer.status, 200, answer.text);
    answered.add(vmId);
  });
  await (typeof moment === 'number' ? sleep(moment) : moment());
  await host.crash();
  await Promise.all(calls);
  const commands = writtenCommands(host).slice(before);
  const written = new Set(commands.map(({ vmId }) => vmId));
  assert.ok(answered.isSubsetOf(written), 'what was answered is written down');
  return { answered, written };
}

function describeCrash(delayMs: number, { written, answered }: Crash): string {
  return `killed after ${delayMs} ms: ${written.size} written down, ${answered.size} answered`;
}

async function deleteAll(host: DroverHost, ids: Iterable<string>): Promise<void> {
  const calls = [...ids].map((vm_id) => ask(host, 'DeleteVm', { vm_id, force: true }));
  await Promise.all(calls);
  await assertEmpty(host);
}

describe('a server that is killed', { concurrency: 2 }, () => {
  it('while it boots machines leaves each booted, or never asked for', async (t) => {
    const host = await DroverHost.start(t);
    for (const delayMs of DELAYS_MS) {
      const ids = await Promise.all([1, 2].map(() => createDemo(host, BARE)));
      const crash = await crashAmid(host, { method: 'BootVm', ids, moment: delayMs });
      t.diagnostic(describeCrash(delayMs, crash));
      await host.up();
      await settled(host);
      const states = await assertSound(host);
      for (const id of ids) {
        const expected = crash.written.has(id) ? 'VM_STATE_RUNNING' : 'VM_STATE_CREATED';
        assert.equal(states.get(id), expected);
      }
      await deleteAll(host, ids);
    }
  });

  it('while it deletes running machines leaves each gone, or as it was', async (t) => {
    const host = await DroverHost.start(t);
    for (const delayMs of DELAYS_MS) {
      const ids = await Promise.all([1, 2].map(() => createDemo(host, BARE)));
      await Promise.all(ids.map((vm_id) => ask(host, 'BootVm', { vm_id })));
      const fields = { force: true };
      const crash = await crashAmid(host, { method: 'DeleteVm', ids, moment: delayMs, fields });
      t.diagnostic(describeCrash(delayMs, crash));
      await host.up();
      await settled(host);
      const states = await assertSound(host);
      for (const id of ids) {
        const expected = crash.written.has(id) ? undefined : 'VM_STATE_RUNNING';
        assert.equal(states.get(id), expected);
      }
      await deleteAll(host, states.keys());
    }
  });

  it('while it creates machines keeps each that was answered, and counts them', async (t) => {
    const host = await DroverHost.start(t);
    const answered = new Set<string>();
    for (const enough of [5, 20]) {
      const { promise: isEnough, resolve } = Promise.withResolvers<void>();
      const calls = Array.from({ length: 40 }, async () => {
        // Those that are cut off say nothing.
        const id = await createDemo(host, BARE).catch(() => undefined);
        if (id === undefined) return;
        answered.add(id);
        if (answered.size >= enough) resolve();
      });
      await isEnough;
      await host.crash();
      await Promise.all(calls);
      await host.up();
      const states = await assertSound(host);
      assert.ok(answered.isSubsetOf(states), 'what was answered is there');
    }
    await deleteAll(host, (await assertSound(host)).keys());
  });

  it('while a guest does not listen goes on with its shutdown, to the kill', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, DEAF);
    const crash = { method: 'ShutdownVm', ids: [vmId], fields: { timeout_seconds: 3 } };
    const { answered, written } = await crashAmid(host, { ...crash, moment: 500 });
    assert.deepEqual([answered.size, [...written]], [0, [vmId]]);
    await host.up();
    await settled(host);
    const { state, state_reason: reason } = await infoOf(host, vmId);
    assert.deepEqual([state, reason], ['VM_STATE_SHUTDOWN', 'killed-after-timeout']);
    await eventOf(host, vmId, (event) => event.reason === 'killed-after-timeout');
    await assertSound(host);
    await deleteAll(host, [vmId]);
  });

  it('while a guest goes down finds it off, and another one still going', async (t) => {
    const host = await DroverHost.start(t);
    const [gone, slow] = await Promise.all([
      runDemo(host),
      runDemo(host, { ...BARE, config: { metadata: { name: 'slow' } } }),
    ]);
    process.kill(await host.guestPid(slow), 'SIGSTOP');
    const ids = [gone, slow];
    const moment = async () => consoleSays(host, gone, /powering off/);
    const crash = await crashAmid(host, { method: 'ShutdownVm', ids, moment });
    assert.deepEqual(crash.written, new Set(ids));
    await eventually(async () => assert.equal((await host.guests()).has(gone), false));
    process.kill(await host.guestPid(slow), 'SIGCONT');
    await host.up();
    await settled(host, 40_000);
    const states = await assertSound(host);
    assert.deepEqual([...states.values()], ['VM_STATE_SHUTDOWN', 'VM_STATE_SHUTDOWN']);
    assert.match((await infoOf(host, gone)).state_reason, /^(unknown|requested)$/);
    assert.equal((await infoOf(host, slow)).state_reason, 'requested');
    await deleteAll(host, ids);
  });

  it('while a machine reboots leaves it running again', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, BARE);
    for (const delayMs of IS_WHOLE ? [60, 400, 900] : [400]) {
      const crash = { method: 'RebootVm', ids: [vmId] };
      t.diagnostic(describeCrash(delayMs, await crashAmid(host, { ...crash, moment: delayMs })));
      await host.up();
      await settled(host);
      assert.equal((await assertSound(host)).get(vmId), 'VM_STATE_RUNNING');
    }
    await deleteAll(host, [vmId]);
  });
});
