import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { SqlJobStore } from '#stores/sql-job-store.ts';
import { openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { first, openLife, wrong, type Life } from '#test/job-life.ts';
import type { Lease, SettledAttempt, Turn, TurnResult } from './job-store.ts';

const createUrl = useDatabases('SQLite');

/** A store whose database is away when the test says so. */
class AwayStore extends SqlJobStore {
  isAway = false;
  refusesResults = false;

  override async turn(turn: Turn): Promise<TurnResult> {
    this.#comeBack();
    const isRefused = ({ outcome }: SettledAttempt) => outcome.kind === 'completed';
    if (this.refusesResults && turn.settled.some(isRefused)) throw new RangeError('no such value');
    return await super.turn(turn);
  }

  override async renew(leases: readonly Lease[], leasedUntil: number): Promise<void> {
    this.#comeBack();
    await super.renew(leases, leasedUntil);
  }

  override async saveCheckpoint(lease: Lease, checkpoint: string, at: number): Promise<boolean> {
    this.#comeBack();
    return await super.saveCheckpoint(lease, checkpoint, at);
  }

  #comeBack(): void {
    if (this.isAway) throw new DroverError('unavailable', 'the database is away');
  }
}

async function openAwayLife(): Promise<Life & { readonly store: AwayStore }> {
  const stores = await openStoresAt(await createUrl());
  const store = new AwayStore(stores);
  const life = await openLife({ ...stores, jobs: store });
  return { ...life, store };
}

describe('a runner whose database goes away', () => {
  it('keeps what jobs came to until it is back', async () => {
    await using life = await openAwayLife();
    const { id } = await first(life);
    const { context, answer } = await life.call(1);
    life.store.isAway = true;
    const saving = context.saveCheckpoint({ done: 7 });
    await life.stores.clock.advance(10 * SECOND_MS);
    assert.equal(context.signal.aborted, false);
    life.store.isAway = false;
    await life.stores.clock.advance(SECOND_MS);
    await saving;
    life.store.isAway = true;
    answer({ disks: 1 });
    await life.stores.clock.advance(90 * SECOND_MS);
    assert.equal((await life.service.get(id)).state, 'running');
    life.store.isAway = false;
    assert.deepEqual((await life.until(id, 'completed')).result, { disks: 1 });
  });

  it('stops what it runs when the lease is over, and begins again when it is back', async () => {
    await using life = await openAwayLife();
    const { id } = await first(life);
    const { context } = await life.call(1);
    life.store.isAway = true;
    await life.stores.clock.advance(25 * SECOND_MS);
    assert.equal(context.signal.aborted, false);
    await life.stores.clock.advance(10 * SECOND_MS);
    assert.equal(context.stopReason(), 'lease-lost');
    life.store.isAway = false;
    (await life.call(2)).answer();
    assert.equal((await life.until(id, 'completed')).attempt, 2);
  });

  it('fails a job whose result it does not take, and writes all others', async () => {
    await using life = await openAwayLife();
    const [one, two] = await life.submit({}, {});
    await life.call(2);
    life.store.refusesResults = true;
    for (const { context, answer, fail } of life.handler.calls) {
      if (context.job.id === one?.id) answer({});
      else fail(wrong);
    }
    assert.equal((await life.until(one?.id ?? '', 'failed')).error?.kind, 'internal');
    assert.equal((await life.until(two?.id ?? '', 'failed')).error?.kind, 'unauthenticated');
  });
});
