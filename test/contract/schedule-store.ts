/** What every ScheduleStore does. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ScheduleId } from '#kernel/ids.ts';
import type { ScheduleQuery } from '#schedules/schedule-store.ts';
import type { Schedule } from '#schedules/schedule.ts';
import type { OpenStores } from '#test/contract/databases.ts';

export const NOW = 1_700_000_000_000;
const BY_ID: ScheduleQuery = { sort: 'id', order: 'asc', limit: 100, offset: 0 };

export function scheduleOf(id: string, choices: Partial<Schedule> = {}): Schedule {
  return {
    id: id as ScheduleId,
    name: `Schedule ${id}`,
    description: '',
    schedule: '@hourly',
    timezone: 'UTC',
    enabled: true,
    template: {
      ...{ kind: 'migration', name: undefined, subject: '/DC/vm/ü', spec: { b: 1, a: [null] } },
      ...{ sealedSecrets: undefined, priority: undefined, maxAttempts: 3, lanes: ['a:b'] },
    },
    ...{ missed: 'once', overlap: 'skip', jitterMs: 0, tags: [] },
    ...{ createdAt: NOW, updatedAt: NOW, nextDueAt: NOW, nextRunAt: NOW },
    ...{ lastRunAt: undefined, runCount: 0, successfulRuns: 0, failedRuns: 0 },
    ...choices,
  };
}

export async function insertAll(
  stores: OpenStores,
  ...schedules: readonly Schedule[]
): Promise<void> {
  for (const schedule of schedules) await stores.schedules.insert(schedule, 100);
}

export function itKeepsSchedules(open: () => Promise<OpenStores>): void {
  it('answers a schedule as it was inserted', async () => {
    await using stores = await open();
    const plain = scheduleOf('a');
    const full = scheduleOf('b', {
      ...{ description: 'd', timezone: 'Europe/Berlin', enabled: false, missed: 'all' },
      ...{ overlap: 'allow', jitterMs: 7, tags: ['x', 'ü'], nextDueAt: undefined },
      ...{ nextRunAt: undefined, lastRunAt: NOW - 1, runCount: 3, successfulRuns: 2 },
      failedRuns: 1,
    });
    await insertAll(stores, plain, full);
    assert.deepEqual(await stores.schedules.find(plain.id), plain);
    assert.deepEqual(await stores.schedules.find(full.id), full);
    assert.equal(await stores.schedules.find('c' as ScheduleId), undefined);
  });

  it('refuses an id that is taken, and more than there may be, however many ask', async () => {
    await using stores = await open();
    const { schedules } = stores;
    await insertAll(stores, scheduleOf('a'));
    const taken = { kind: 'already_exists', reason: 'SCHEDULE_EXISTS', message: /schedule a / };
    await assert.rejects(schedules.insert(scheduleOf('a'), 100), taken);
    const outcomes = await Promise.allSettled(
      ['b', 'c', 'd', 'e'].map((id) => schedules.insert(scheduleOf(id), 3)),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 2);
    const full = { kind: 'resource_exhausted', reason: 'TOO_MANY_SCHEDULES' };
    await assert.rejects(schedules.insert(scheduleOf('f'), 3), full);
  });

  it('pages and sorts, what has no value last', async () => {
    await using stores = await open();
    const { schedules } = stores;
    await insertAll(
      stores,
      scheduleOf('a', { name: 'z', nextRunAt: NOW + 2, createdAt: NOW + 2 }),
      scheduleOf('b', { name: 'y', nextRunAt: undefined, enabled: false, createdAt: NOW + 1 }),
      scheduleOf('c', { name: 'B', nextRunAt: NOW + 1, createdAt: NOW + 3 }),
    );
    const idsOf = async (choices: Partial<ScheduleQuery>) => {
      const page = await schedules.list({ ...BY_ID, ...choices });
      return [page.schedules.map(({ id }) => id).join(''), page.total];
    };
    assert.deepEqual(await idsOf({}), ['abc', 3]);
    assert.deepEqual(await idsOf({ order: 'desc', limit: 2 }), ['cb', 3]);
    assert.deepEqual(await idsOf({ limit: 2, offset: 2 }), ['c', 3]);
    assert.deepEqual(await idsOf({ sort: 'name' }), ['cba', 3]);
    assert.deepEqual(await idsOf({ sort: 'createdAt' }), ['bac', 3]);
    assert.deepEqual(await idsOf({ sort: 'nextRunAt' }), ['cab', 3]);
    assert.deepEqual(await idsOf({ sort: 'nextRunAt', order: 'desc' }), ['acb', 3]);
    assert.deepEqual(await idsOf({ sort: 'lastRunAt', order: 'desc' }), ['cba', 3]);
    assert.deepEqual(await idsOf({ enabled: false }), ['b', 1]);
    assert.deepEqual(await idsOf({ enabled: true, limit: 1 }), ['a', 2]);
  });

  it('changes settings and no counters, one change after the other', async () => {
    await using stores = await open();
    const { schedules } = stores;
    await insertAll(stores, scheduleOf('a', { runCount: 7 }));
    const id = 'a' as ScheduleId;
    const add = (tag: string) =>
      schedules.update(id, (now) => ({ ...now, tags: [...now.tags, tag], runCount: 0 }));
    await Promise.all(['x', 'y', 'z'].map((tag) => add(tag)));
    const changed = await schedules.find(id);
    assert.deepEqual(changed?.tags.toSorted(), ['x', 'y', 'z']);
    assert.deepEqual([changed.runCount, changed.updatedAt], [7, NOW + 3]);
    assert.equal(await schedules.update('b' as ScheduleId, (now) => now), undefined);
  });

  it('sums up counters without looking at runs', async () => {
    await using stores = await open();
    const { schedules } = stores;
    const nothing = { total: 0, enabled: 0, disabled: 0, totalRuns: 0, successfulRuns: 0 };
    assert.deepEqual(await schedules.stats(), { ...nothing, failedRuns: 0, nextRunAt: undefined });
    await insertAll(
      stores,
      scheduleOf('a', { runCount: 5, successfulRuns: 3, failedRuns: 1, nextRunAt: NOW + 2 }),
      scheduleOf('b', { enabled: false, runCount: 2, failedRuns: 2, nextRunAt: undefined }),
      scheduleOf('c', { nextRunAt: NOW + 1 }),
    );
    assert.deepEqual(await schedules.stats(), {
      ...{ total: 3, enabled: 2, disabled: 1, totalRuns: 7, successfulRuns: 3, failedRuns: 3 },
      nextRunAt: NOW + 1,
    });
  });
}
