/** What a JobStore tells of its jobs, and what they have said. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { outcomeToEvent } from '#jobs/job-events.ts';
import { MOST_HISTORY } from '#jobs/job-history.ts';
import type { JobQuery } from '#jobs/job-list.ts';
import { MOST_LINES, MOST_LOG_BYTES } from '#jobs/job-log.ts';
import {
  type OpenJobStore,
  NOW,
  HOLDER,
  QUERY,
  ALL,
  newJob,
  submit,
  claim,
  settledAs,
  settle,
  present,
  named,
  COMPLETED,
  ERROR,
} from './job-store-fixture.ts';

export function itListsJobs(open: () => Promise<OpenJobStore>): void {
  it('pages through all that match, in each order', async () => {
    await using stores = await open();
    const { jobs } = stores;
    const priorities = [3, 1, 2, 3, 1];
    for (const [at, priority] of priorities.entries()) {
      await jobs.submit([newJob({ id: named(`j${at}`), priority }, NOW + 10 - at)], 10);
    }
    const pages = async (query: Partial<JobQuery>) => {
      const ids: string[] = [];
      for (let cursor: string | undefined; ;) {
        const page = await jobs.list({ ...QUERY, limit: 2, ...query, cursor });
        assert.equal(page.total, 5);
        ids.push(...page.jobs.map(({ id }) => id));
        cursor = page.next;
        if (cursor === undefined) return ids.join(' ');
      }
    };
    assert.equal(await pages({}), 'j0 j1 j2 j3 j4');
    assert.equal(await pages({ order: 'desc' }), 'j4 j3 j2 j1 j0');
    assert.equal(await pages({ sort: 'priority' }), 'j1 j4 j2 j0 j3');
    assert.equal(await pages({ sort: 'updatedAt' }), 'j4 j3 j2 j1 j0');
    const page = await jobs.list({ ...QUERY, limit: 2, offset: 3 });
    assert.deepEqual([page.jobs.map(({ id }) => id), page.next], [['j3', 'j4'], undefined]);
    const bad = jobs.list({ ...QUERY, cursor: 'x' });
    await assert.rejects(bad, { kind: 'invalid_argument', message: /cursor/ });
    const claims = await claim(jobs);
    assert.equal(await pages({ states: ['running'] }), 'j0 j1 j2 j3 j4');
    assert.equal(await pages({ states: ['running'], order: 'desc' }), 'j4 j3 j2 j1 j0');
    assert.equal(await pages({ states: ['running'], sort: 'priority' }), 'j1 j4 j2 j0 j3');
    for (const claimed of claims) await settle(jobs, claimed, { kind: 'failed', error: ERROR });
    assert.equal(await pages({ states: ['failed'] }), 'j0 j1 j2 j3 j4');
    assert.equal(await pages({ states: ['cancelled', 'failed'], order: 'desc' }), 'j4 j3 j2 j1 j0');
  });

  it('filters, and counts what matches', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, { id: named('a'), subject: 'DC/vm/Web_1', batchId: 'one' });
    await submit(jobs, { id: named('b'), subject: 'DC/vm/webx1', kind: 'other' });
    await submit(jobs, { id: named('c'), subject: 'DC/vm/db%', batchId: 'one' });
    const [a] = await claim(jobs, { most: 1 });
    assert.ok(a !== undefined);
    await jobs.turn({
      ...{ holder: HOLDER, at: NOW + 100, claim: undefined },
      settled: [{ ...settledAs(a, COMPLETED), at: NOW + 100 }],
    });
    const match = async (query: Partial<JobQuery>) => {
      const { jobs: found, total } = await jobs.list({ ...QUERY, ...query });
      assert.equal(total, found.length);
      return found.map(({ id }) => id).join(' ');
    };
    assert.equal(await match({ states: ['pending'] }), 'b c');
    assert.equal(await match({ states: [] }), '');
    assert.equal(await match({ kinds: ['other'] }), 'b');
    assert.equal(await match({ ids: ['c', 'a', 'x'] }), 'a c');
    assert.equal(await match({ batchId: 'one', states: ['completed'] }), 'a');
    assert.equal(await match({ subject: 'web_' }), 'a');
    assert.equal(await match({ subject: 'B%' }), 'c');
    assert.deepEqual(await jobs.listIds(['pending'], { after: 'b', limit: 5 }), ['c']);
  });

  it('changes a job as it is decided under its lock', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, { id: named('a') });
    const changed = await jobs.change(['a', 'x'], NOW, (job) => ({
      job: { ...job, controls: { limit: 1 }, isCancelRequested: true },
      entry: { at: NOW, kind: 'controls-changed', attempt: 0, message: 'so it is' },
      event: undefined,
      isFresh: false,
    }));
    assert.deepEqual([...changed.keys()], ['a']);
    const job = await present(jobs, 'a');
    assert.deepEqual([job.controls, job.isCancelRequested], [{ limit: 1 }, true]);
    assert.ok(job.updatedAt > NOW);
    const [claimed] = await claim(jobs, { isCleanUpOnly: true });
    assert.equal(claimed?.job.id, 'a');
    assert.deepEqual(await jobs.held(HOLDER), [
      { id: 'a', attempt: 1, isCancelRequested: true, controls: { limit: 1 } },
    ]);
  });

  it('tells listeners of what is new', async () => {
    await using stores = await open();
    let calls = 0;
    const listening = stores.jobs.onChange(() => (calls += 1));
    await submit(stores.jobs, { id: named('a') });
    assert.equal(calls, 1);
    listening[Symbol.dispose]();
    await submit(stores.jobs, { id: named('b') });
    assert.equal(calls, 1);
  });
}

export function itKeepsWhatJobsSay(open: () => Promise<OpenJobStore>): void {
  it('keeps progress and milestones, and the history as long as it may be', async () => {
    await using stores = await open();
    const { jobs, events } = stores;
    await submit(jobs, { id: named('a') });
    const [claimed] = await claim(jobs);
    assert.ok(claimed !== undefined);
    const { job } = claimed;
    const lease = { id: job.id, holder: HOLDER, attempt: 1 };
    const progress = JSON.stringify({ stage: 'copy', percent: 12, doneBytes: 1, parts: [] });
    const event = outcomeToEvent(job, { kind: 'released' }, { at: NOW, message: 'half' });
    const milestones = Array.from({ length: MOST_HISTORY }, (_, at) => {
      const entry = { at: NOW, kind: 'progress', attempt: 1, message: `${at}` } as const;
      return { entry, event };
    });
    const before = await events.lastId();
    assert.deepEqual(await jobs.report([{ lease, progress, milestones, logs: [] }], NOW), []);
    assert.equal(await events.lastId(), before + MOST_HISTORY);
    assert.equal((await present(jobs, 'a')).progress?.percent, 12);
    const history = await jobs.history(named('a'), { after: 2, limit: 1000 });
    assert.equal(history.length, MOST_HISTORY);
    assert.deepEqual(history.at(-1), {
      ...{ sequence: MOST_HISTORY + 2, at: NOW, kind: 'progress', attempt: 1 },
      message: `${MOST_HISTORY - 1}`,
    });
  });

  it('keeps the newest lines of a log, by number and by size', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, { id: named('a') }, { id: named('b') });
    await claim(jobs);
    const say = async (id: string, count: number, text: string) => {
      const lease = { id: named(id), holder: HOLDER, attempt: 1 };
      const logs = Array.from({ length: count }, () => ({ at: NOW, level: 'info', text }) as const);
      await jobs.report([{ lease, progress: undefined, milestones: [], logs }], NOW);
    };
    await say('a', MOST_LINES - 10, 'ü');
    await say('a', 20, 'last');
    const last = await jobs.logs(named('a'), { after: 0, limit: 10_000 });
    assert.equal(last.length, MOST_LINES);
    assert.deepEqual(last[0]?.sequence, 11);
    assert.deepEqual(last.at(-1), {
      ...{ sequence: MOST_LINES + 10, at: NOW, level: 'info', text: 'last' },
    });
    const line = 'x'.repeat(4096);
    for (let at = 0; at < 3; at += 1) await say('b', 100, line);
    const kept = await jobs.logs(named('b'), { after: 0, limit: 10_000 });
    assert.equal(kept.length, MOST_LOG_BYTES / 4096);
    assert.equal(kept.at(-1)?.sequence, 300);
  });

  it('removes ended jobs with all they said, alone or because they are old or many', async () => {
    await using stores = await open();
    const { jobs } = stores;
    await submit(jobs, ...['a', 'b', 'c', 'd'].map((id) => ({ id: named(id) })));
    const claims = await claim(jobs);
    assert.equal(await jobs.remove(named('a')), false);
    for (const claimed of claims.slice(0, 3)) await settle(jobs, claimed, COMPLETED);
    assert.equal(await jobs.remove(named('a')), true);
    assert.equal(await jobs.find('a'), undefined);
    assert.deepEqual(await jobs.history(named('a'), ALL), []);
    const prune = (olderThan: number, most: number) => jobs.prune({ olderThan, most, limit: 10 });
    assert.equal(await prune(NOW, 2), 0);
    assert.equal(await prune(NOW, 1), 1);
    assert.equal(await jobs.find('b'), undefined);
    assert.equal(await prune(NOW + 1, 10), 1);
    assert.deepEqual(await jobs.counts(), {
      ...{ pending: 0, running: 1, completed: 0, failed: 0, cancelled: 0 },
    });
  });
}
