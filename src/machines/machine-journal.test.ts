import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BOOT, failure, isState, openWorld } from '#test/machine-fixture.ts';
import { DroverError } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';

const VM = 'vm_1' as MachineId;
const OTHER = 'vm_2' as MachineId;

describe('storage that is away for a while', () => {
  const away = () => {
    throw new DroverError('unavailable', 'the disk of the database is full');
  };

  it('delays the answer of one machine until what happened is stored', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    await life.boot(OTHER);
    let isAway = true;
    life.beforeStore = (method, [id]) => {
      if (isAway && method === 'finishIntent' && id !== undefined) away();
    };
    let isAnswered = false;
    const asked = life.do(VM, BOOT).finally(() => (isAnswered = true));
    await life.clock.advance(20_000);
    assert.ok(world.host.processes.has(VM));
    assert.equal(isAnswered, false);
    assert.equal((await life.get(VM)).state, 'created');
    assert.equal((await life.get(OTHER)).state, 'running');
    isAway = false;
    await life.clock.advance(5000);
    assert.equal((await asked).state, 'running');
    assert.equal((await life.eventsOf(VM)).filter(isState('running')).length, 1);
  });

  it('refuses a command that could not be stored, and does nothing', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    life.beforeStore = (method) => {
      if (method === 'addIntent') away();
    };
    await assert.rejects(life.do(VM, BOOT), failure('unavailable', /disk .* is full/));
    await life.clock.advance(3000);
    assert.equal(world.host.processes.size, 0);
  });

  it('does not forget the end of a guest', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    life.beforeStore = away;
    world.host.end(VM, { reason: 'guest-panic', message: 'panic' });
    await life.clock.advance(30_000);
    life.beforeStore = () => undefined;
    await life.clock.advance(5000);
    await life.event(VM, isState('shutdown', 'guest-panic'));
    assert.equal(life.capacity.used.machines, 0);
  });

  it('that comes back performs what was asked for by then', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    life.beforeStore = (method) => {
      if (method === 'pendingIntents' || method === 'startIntent') away();
    };
    const asked = life.do(VM, BOOT);
    await life.clock.advance(10_000);
    life.beforeStore = () => undefined;
    await life.clock.advance(5000);
    assert.equal((await asked).state, 'running');
  });

  it('and away still when the process stops, ends it without a crash', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.create(VM);
    first.beforeStore = (method) => {
      if (method === 'finishIntent') away();
    };
    void first.do(VM, BOOT);
    await first.clock.advance(1000);
    const pid = first.pidOf(VM);
    await first.close();
    const second = await world.live();
    await second.event(VM, isState('running'));
    assert.equal((await second.get(VM)).process?.pid, pid);
  });

  it('or fails in some other way, has the command tried again', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    let failures = 0;
    life.beforeStore = (method) => {
      if (method === 'finishIntent' && (failures += 1) < 3) throw new Error('what is this?');
    };
    const asked = life.do(VM, BOOT);
    await life.clock.advance(5000);
    assert.equal((await asked).state, 'running');
    assert.equal(world.host.processes.size, 1);
  });
});
