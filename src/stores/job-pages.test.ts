import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import type { JobQuery } from '#jobs/job-list.ts';
import { newJob, QUERY } from '#test/contract/job-store-fixture.ts';
import { openStoresAt, useDatabases } from '#test/contract/databases.ts';

const SORTS = 'USE TEMP B-TREE FOR ORDER BY';
const IDS = Array.from({ length: 500 }, (_, at) => `job-${at}`);

/** Each with the way to its jobs, which grows with what is on the page or with what runs. */
const PAGES: Readonly<Record<string, readonly [Partial<JobQuery>, ...(readonly string[])]>> = {
  // In order of its key, which is that of the page: it ends when the page is full.
  'the newest': [{}, 'SCAN jobs'],
  'those before': [{ cursor: '3.3' }, 'SEARCH jobs USING INTEGER PRIMARY KEY (rowid<?)'],
  'those that changed last': [{ sort: 'updatedAt' }, 'SCAN jobs USING INDEX jobs_by_updated_at'],
  'those that changed before': [
    { sort: 'updatedAt', cursor: '3.3' },
    'SEARCH jobs USING INDEX jobs_by_updated_at (updated_at<?)',
  ],
  'the most urgent': [{ sort: 'priority' }, 'SCAN jobs USING INDEX jobs_by_priority'],
  'the most urgent of those that are in no end state': [
    { sort: 'priority', states: ['pending', 'running'], cursor: '3.3' },
    'SEARCH jobs USING INDEX jobs_by_priority (priority<?)',
  ],
  'those that run': [{ states: ['running'] }, 'SCAN jobs USING INDEX jobs_running', SORTS],
  'more that run': [
    { states: ['running'], cursor: '3.3' },
    'SCAN jobs USING INDEX jobs_running',
    SORTS,
  ],
  'those that changed last of those that run': [
    { states: ['running'], sort: 'updatedAt' },
    'SCAN jobs USING INDEX jobs_running',
    SORTS,
  ],
  'those with an id': [
    { ids: IDS },
    'SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (id=?)',
    SORTS,
  ],
  'those that failed': [{ states: ['failed'] }, 'SCAN jobs USING INDEX jobs_unfinished'],
  'more that failed or were cancelled': [
    { states: ['cancelled', 'failed'], cursor: '3.3' },
    'SEARCH jobs USING INDEX jobs_unfinished (sequence<?)',
  ],
  'those of a batch': [{ batchId: 'one' }, 'SEARCH jobs USING INDEX jobs_batch (batch_id=?)'],
};

describe('a page of jobs', () => {
  const createUrl = useDatabases('SQLite');

  it('is found without going through all jobs there are', async (t) => {
    const url = await createUrl();
    await using stores = await openStoresAt(url);
    using file = new DatabaseSync(url.slice('sqlite:'.length));
    for (const [name, [query, ...expected]] of Object.entries(PAGES)) {
      const prepares = t.mock.method(DatabaseSync.prototype, 'prepare');
      await stores.jobs.list({ ...QUERY, order: 'desc', ...query });
      prepares.mock.restore();
      const texts = prepares.mock.calls.map(({ arguments: [text] }) => text);
      const [page] = texts.filter((text) => text.includes('from "jobs"'));
      const steps = file.prepare(`explain query plan ${page}`).all();
      assert.deepEqual(
        steps.map(({ detail }) => detail),
        expected,
        name,
      );
    }
  });

  it('counts no further than 10,000 where no count is kept', async () => {
    await using stores = await openStoresAt(await createUrl());
    const batch = Array.from({ length: 10_001 }, () => newJob({ batchId: 'one' }));
    await stores.jobs.submit([...batch, newJob({})], 20_000);
    const totalOf = async (query: Partial<JobQuery>) =>
      (await stores.jobs.list({ ...QUERY, ...query })).total;
    assert.equal(await totalOf({}), 10_002);
    assert.equal(await totalOf({ states: ['pending'] }), 10_002);
    assert.equal(await totalOf({ batchId: 'one' }), 10_000);
    assert.equal(await totalOf({ batchId: 'one', limit: 1000, offset: 9500 }), 10_001);
    assert.equal(await totalOf({ batchId: 'two' }), 0);
    assert.equal(await totalOf({ batchId: 'two', offset: 5 }), 0);
  });
});
