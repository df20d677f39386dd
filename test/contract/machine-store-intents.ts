/** What every MachineStore does with intents. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { HostId, IntentId, MachineId } from '#kernel/ids.ts';
import type { IntentOutcome } from '#machines/machine-intent.ts';
import type { OpenMachineStore } from '#test/contract/machine-store.ts';
import {
  changeEvent,
  DONE,
  eventOf,
  HOST,
  newIntent,
  newMachine,
} from '#test/contract/store-fixtures.ts';

const WITHDRAWN: IntentOutcome = {
  kind: 'failed',
  error: { kind: 'cancelled', message: 'withdrawn', reason: 'WITHDRAWN', metadata: { a: 'b' } },
};

export function itKeepsIntents(open: () => Promise<OpenMachineStore>): void {
  it('answers an intent as it was added, and pending ones in the order they came', async () => {
    await using stores = await open();
    const { machines } = stores;
    await machines.insert(newMachine('one'));
    await machines.insert(newMachine('two'));
    const boot = newIntent('z', 'one', 7);
    const stop = {
      ...newIntent('a', 'one', 7),
      command: { kind: 'shutdown', force: false, timeoutMs: 30_000 } as const,
    };
    const other = newIntent('m', 'two', 3);
    for (const intent of [boot, stop, other]) await machines.addIntent(intent, 16);
    assert.deepEqual(await machines.getIntent(stop.id), stop);
    assert.equal(await machines.getIntent('none' as IntentId), undefined);
    assert.deepEqual(await machines.pendingIntentsOf(boot.machineId), [boot, stop]);
    assert.deepEqual(await machines.pendingIntents(HOST, 2), [boot, stop]);
    assert.deepEqual(await machines.pendingIntents(HOST, 9), [boot, stop, other]);
    assert.deepEqual(await machines.pendingIntents('host-2' as HostId, 9), []);
  });

  it('refuses an intent for a machine that is gone, or that has too many waiting', async () => {
    await using stores = await open();
    const { machines } = stores;
    await assert.rejects(machines.addIntent(newIntent('a', 'one'), 16), {
      kind: 'not_found',
      reason: 'VM_NOT_FOUND',
    });
    await machines.insert(newMachine('one'));
    const adds = Array.from({ length: 9 }, (_, at) =>
      machines.addIntent(newIntent(`i${at}`, 'one'), 4),
    );
    const settled = await Promise.allSettled(adds);
    assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 4);
    await assert.rejects(machines.addIntent(newIntent('late', 'one'), 4), {
      kind: 'resource_exhausted',
    });
    assert.equal((await machines.pendingIntentsOf('one' as MachineId)).length, 4);
  });

  it('starts what is queued, and starts it again after a crash', async () => {
    await using stores = await open();
    const { machines } = stores;
    await machines.insert(newMachine('one'));
    const intent = newIntent('a', 'one');
    await machines.addIntent(intent, 16);
    assert.equal(await machines.startIntent(intent.id, 50), true);
    assert.equal(await machines.startIntent(intent.id, 60), true);
    const running = { ...intent, status: 'running', startedAt: 50 };
    assert.deepEqual(await machines.getIntent(intent.id), running);
    assert.deepEqual(await machines.pendingIntentsOf(intent.machineId), [running]);
    assert.equal(await machines.startIntent('none' as IntentId, 50), false);
  });

  it('withdraws a queued intent, and marks a running one', async () => {
    await using stores = await open();
    const { machines } = stores;
    await machines.insert(newMachine('one'));
    const [queued, running] = [newIntent('q', 'one'), newIntent('r', 'one')];
    for (const intent of [queued, running]) await machines.addIntent(intent, 16);
    await machines.startIntent(running.id, 50);
    await machines.cancelIntent(queued.id, 60, WITHDRAWN);
    await machines.cancelIntent(running.id, 60, WITHDRAWN);
    const marked = { ...running, status: 'running', startedAt: 50, isCancelRequested: true };
    assert.deepEqual(await machines.getIntent(running.id), marked);
    const ended = { ...queued, status: 'done', outcome: WITHDRAWN };
    assert.deepEqual(await machines.getIntent(queued.id), ended);
    assert.equal(await machines.startIntent(queued.id, 70), false);
    assert.deepEqual(await machines.pendingIntentsOf(queued.machineId), [marked]);
  });

  it('ends an intent together with what came of it', async () => {
    await using stores = await open();
    const { machines, events } = stores;
    const { id } = await machines.insert(newMachine('one'));
    const intent = newIntent('a', id);
    await machines.addIntent(intent, 16);
    await machines.startIntent(intent.id, 50);
    const change = {
      machineId: id,
      update: { state: 'running', stateChangedAt: 60, updatedAt: 60 } as const,
      events: [changeEvent(id, 'created', 'running')],
    };
    await machines.finishIntent(intent.id, DONE, change);
    assert.equal((await machines.get(id))?.state, 'running');
    assert.deepEqual((await machines.getIntent(intent.id))?.outcome, DONE);
    assert.equal((await events.read({ afterId: 0, limit: 10 })).length, 2);
    assert.deepEqual(await machines.pendingIntentsOf(id), []);
    await machines.cancelIntent(intent.id, 70, WITHDRAWN);
    // Told a second time, as after an answer that was lost: nothing happens twice.
    await machines.finishIntent(intent.id, WITHDRAWN, change);
    assert.deepEqual((await machines.getIntent(intent.id))?.outcome, DONE);
    assert.equal((await events.read({ afterId: 0, limit: 10 })).length, 2);
  });

  it('ends everything that waits for a machine when the machine goes', async () => {
    await using stores = await open();
    const { machines } = stores;
    const { id } = await machines.insert(newMachine('one'));
    const [remove, boot] = [newIntent('d', id), newIntent('b', id)];
    for (const intent of [remove, boot]) await machines.addIntent(intent, 16);
    const done = { intents: [remove.id], outcome: DONE, at: 99 };
    await machines.remove(id, [eventOf('machine.deleted', id)], done);
    assert.deepEqual((await machines.getIntent(remove.id))?.outcome, DONE);
    const refused = (await machines.getIntent(boot.id))?.outcome;
    assert.equal(refused?.kind === 'failed' && refused.error.kind, 'not_found');
    assert.deepEqual(await machines.pendingIntents(HOST, 9), []);
  });

  it('ends the intent of a machine that is already gone', async () => {
    await using stores = await open();
    const { machines, events } = stores;
    const { id } = await machines.insert(newMachine('one'));
    const intent = newIntent('a', id);
    await machines.addIntent(intent, 16);
    await machines.remove(id, [], { intents: [intent.id], outcome: DONE, at: 9 });
    const change = {
      machineId: id,
      update: { updatedAt: 9 },
      events: [eventOf('machine.deleted', id)],
    };
    await machines.finishIntent(intent.id, WITHDRAWN, change);
    assert.deepEqual((await machines.getIntent(intent.id))?.outcome, DONE);
    assert.equal((await events.read({ afterId: 0, limit: 10 })).length, 1);
  });

  it('prunes ended intents that are old, a few at a time, and no others', async () => {
    await using stores = await open();
    const { machines } = stores;
    await machines.insert(newMachine('one'));
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await machines.addIntent(newIntent(name, 'one'), 16);
    }
    for (const [name, at] of [
      ['a', 10],
      ['b', 20],
      ['c', 30],
      ['d', 40],
    ] as const) {
      await machines.cancelIntent(name as IntentId, at, WITHDRAWN);
    }
    assert.equal(await machines.pruneIntents(40, 2), 2);
    assert.equal(await machines.getIntent('b' as IntentId), undefined);
    assert.equal(await machines.pruneIntents(40, 2), 1);
    assert.equal(await machines.pruneIntents(40, 2), 0);
    assert.equal((await machines.getIntent('d' as IntentId))?.status, 'done');
    assert.equal((await machines.getIntent('e' as IntentId))?.status, 'queued');
  });
}
