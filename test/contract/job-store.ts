/** What every JobStore does. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type OpenJobStore, NOW, newJob, submit, named } from './job-store-fixture.ts';
import { itClaimsJobs } from './job-store-claims.ts';
import { itKeepsWhatJobsSay, itListsJobs } from './job-store-lists.ts';
import { itSettlesJobs } from './job-store-outcomes.ts';

export function itKeepsJobs(open: () => Promise<OpenJobStore>): void {
  itSubmitsJobs(open);
  itClaimsJobs(open);
  itSettlesJobs(open);
  itListsJobs(open);
  itKeepsWhatJobsSay(open);
}

function itSubmitsJobs(open: () => Promise<OpenJobStore>): void {
  it('answers jobs as they were submitted', async () => {
    await using stores = await open();
    const made = newJob({
      ...{ id: named('a'), name: 'näme', spec: { z: [1, 'ü"\\'], a: null }, priority: -7 },
      ...{ secrets: { password: 'geheim' }, lanes: ['vcenter:b', 'destination:a'] },
      ...{ batchId: 'batch', maxAttempts: 9, runAfter: NOW + 5 },
    });
    const [answered] = await stores.jobs.submit([made], 10);
    assert.deepEqual(answered, made.job);
    assert.deepEqual(await stores.jobs.find('a'), made.job);
    assert.equal(await stores.jobs.find('b'), undefined);
    assert.doesNotMatch(JSON.stringify(await stores.jobs.find('a')), /geheim/);
  });

  it('takes the same job twice for one, and another under its id for a mistake', async () => {
    await using stores = await open();
    const choices = { id: named('a'), secrets: { password: 'geheim' } };
    await submit(stores.jobs, choices);
    await submit(stores.jobs, choices, { id: named('b') });
    assert.equal((await stores.jobs.counts()).pending, 2);
    const refusal = { kind: 'already_exists', reason: 'JOB_EXISTS' };
    for (const other of [{ secrets: { password: 'Geheim' } }, { subject: 'DC/vm/two' }]) {
      const both = [newJob({ id: named('c') }), newJob({ ...choices, ...other })];
      await assert.rejects(stores.jobs.submit(both, 10), refusal);
    }
    assert.equal(await stores.jobs.find('c'), undefined, 'all or none');
  });

  it('keeps one of many that come under one id at once', async () => {
    await using stores = await open();
    const racing = Array.from({ length: 6 }, () => submit(stores.jobs, { id: named('a') }));
    await Promise.all(racing);
    assert.equal((await stores.jobs.counts()).pending, 1);
    assert.equal((await stores.events.read({ afterId: 0, limit: 10 })).length, 1);
  });

  it('takes no more than may be pending', async () => {
    await using stores = await open();
    await stores.jobs.submit([newJob(), newJob()], 2);
    const refusal = { kind: 'resource_exhausted', reason: 'TOO_MANY_JOBS' };
    await assert.rejects(stores.jobs.submit([newJob()], 2), refusal);
    assert.equal((await stores.jobs.counts()).pending, 2);
  });
}
