import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { specOf } from '#test/contract/store-fixtures.ts';
import { nicOf } from '#test/contract/host-network.ts';
import {
  BOOT,
  failure,
  hold,
  openWorld,
  PAUSE,
  remove,
  shutdown,
  type World,
} from '#test/machine-fixture.ts';
import { DroverError } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import type { MachineSpec } from './machine-spec.ts';

const VM = 'vm_1' as MachineId;
const INCOMPLETE = failure(
  'unavailable',
  /the tap is busy; Drover keeps trying$/,
  'TEARDOWN_INCOMPLETE',
);

function breakNetwork({ network }: World): { readonly tries: () => number } {
  let tries = 0;
  network.beforeDetach = () => {
    tries += 1;
    throw new DroverError('unavailable', 'the tap is busy', { reason: 'TAP_BUSY' });
  };
  return { tries: () => tries };
}

function withNic(): MachineSpec {
  return { ...specOf(), nics: [nicOf('eth0', '02:00:00:00:00:01')] };
}

describe('a deletion that cannot finish', () => {
  it('is told to the caller, and as an event once', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    breakNetwork(world);
    await assert.rejects(life.do(VM, remove()), INCOMPLETE);
    await life.clock.advance(20_000);
    const told = (await life.eventsOf(VM)).filter(({ kind }) => kind === 'machine.teardown-failed');
    assert.deepEqual(
      told.map(({ reason, message }) => [reason, message]),
      [['TAP_BUSY', 'the tap is busy']],
    );
  });

  it('leaves the machine listed, and takes no other command for it', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    breakNetwork(world);
    await assert.rejects(life.do(VM, remove(true)), INCOMPLETE);
    const { isDeleting, state } = await life.get(VM);
    assert.deepEqual({ isDeleting, state }, { isDeleting: true, state: 'shutdown' });
    for (const command of [BOOT, PAUSE, shutdown(true)]) {
      await assert.rejects(life.do(VM, command), failure('failed_precondition', /being deleted/));
    }
    assert.equal(world.host.processes.size, 0);
  });

  it('is tried again after 1 s, 2 s, 4 s… until nothing is left', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    const { tries } = breakNetwork(world);
    await assert.rejects(life.do(VM, remove()), INCOMPLETE);
    const counted = [tries()];
    for (const wait of [1000, 1999, 1, 3999, 1]) {
      await life.clock.advance(wait);
      counted.push(tries());
    }
    assert.deepEqual(counted, [1, 2, 2, 3, 3, 4]);
    world.network.beforeDetach = () => undefined;
    await life.clock.advance(8000);
    await life.event(VM, ({ kind }) => kind === 'machine.deleted');
    assert.equal(await life.store.get(VM), undefined);
    assert.equal(world.host.directories.size, 0);
  });

  it('keeps its addresses until it is done', async () => {
    await using world = await openWorld();
    world.network.range = {
      ...{ firstAddress: '10.0.0.2', lastAddress: '10.0.0.2', gateway: '10.0.0.1' },
    };
    const life = await world.live();
    const { leases } = await life.create(VM, withNic());
    assert.equal(leases[0]?.address, '10.0.0.2');
    breakNetwork(world);
    await assert.rejects(life.do(VM, remove()), INCOMPLETE);
    await assert.rejects(
      life.create('vm_2', withNic()),
      failure('resource_exhausted', /no address is free/),
    );
    world.network.beforeDetach = () => undefined;
    await life.clock.advance(1000);
    await life.event(VM, ({ kind }) => kind === 'machine.deleted');
    assert.equal((await life.create('vm_2', withNic())).leases[0]?.address, '10.0.0.2');
  });

  it('is tried at once when it is asked for again, with one timer and not two', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    const { tries } = breakNetwork(world);
    await assert.rejects(life.do(VM, remove()), INCOMPLETE);
    const timers = life.clock.pendingTimers;
    await assert.rejects(life.do(VM, remove()), INCOMPLETE);
    assert.equal(tries(), 2);
    assert.equal(life.clock.pendingTimers, timers);
    world.network.beforeDetach = () => undefined;
    assert.equal((await life.do(VM, remove())).detail, 'deleted');
    assert.equal(life.clock.pendingTimers, timers - 1);
  });

  it('because the guest does not die tries that again as well', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const killing = hold(world.host, 'kill', VM);
    const refused = assert.rejects(
      life.do(VM, remove(true)),
      failure(
        'unavailable',
        /ending the process .* took longer than 15000 ms/,
        'TEARDOWN_INCOMPLETE',
      ),
    );
    await killing.reached;
    await life.clock.advance(15_000);
    await refused;
    assert.equal((await life.get(VM)).state, 'running');
    killing.release();
    await life.clock.advance(1000);
    await life.event(VM, ({ kind }) => kind === 'machine.deleted');
    assert.equal(world.host.processes.size, 0);
  });

  it('goes on after a restart', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    breakNetwork(world);
    await assert.rejects(first.do(VM, remove(true)), INCOMPLETE);
    await first.reconciler[Symbol.asyncDispose]();
    assert.equal(first.clock.pendingTimers, 0);
    await first.close();
    world.network.beforeDetach = () => undefined;
    const second = await world.live();
    await second.event(VM, ({ kind }) => kind === 'machine.deleted');
    assert.equal(await second.store.get(VM), undefined);
  });
});

describe('a deletion', () => {
  it('of a running machine by force ends it, and leaves nothing', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    assert.deepEqual(await life.do(VM, remove(true)), {
      kind: 'done',
      state: 'shutdown',
      detail: 'deleted',
    });
    assert.equal(world.host.processes.size + world.host.directories.size, 0);
    assert.equal(world.network.attached.size, 0);
    assert.equal(life.capacity.used.machines, 0);
    const kinds = (await life.eventsOf(VM)).map(({ kind, reason }) => `${kind} ${reason}`);
    assert.deepEqual(kinds.slice(2), ['machine.state-changed killed', 'machine.deleted requested']);
    await assert.rejects(life.do(VM, remove(true)), failure('not_found', /not found or not owned/));
  });

  it('that two ask for at once satisfies both', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    const both = await Promise.all([life.do(VM, remove()), life.do(VM, remove())]);
    assert.deepEqual(
      both.map(({ detail }) => detail),
      ['deleted', 'deleted'],
    );
  });

  it('needs no answer from the process', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    first.crash();
    world.host.behaviour.before = (operation) => {
      if (operation === 'adopt') throw new DroverError('unavailable', 'the socket is gone');
    };
    const second = await world.live();
    assert.equal((await second.do(VM, remove(true))).detail, 'deleted');
    assert.equal(world.host.processes.size, 0);
  });
});
