import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SECOND_MS } from '#kernel/units.ts';
import { openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { TestHandler, type RunnerChoices } from '#test/job-fixture.ts';
import { openLife, wrong } from '#test/job-life.ts';
import type { JobHandler } from './job-handler.ts';

const createUrl = useDatabases('SQLite');

const open = async (choices: RunnerChoices = {}) =>
  await openLife(await openStoresAt(await createUrl()), choices);

describe('jobs that are over at once', () => {
  it('are claimed ahead of free slots, and given back where that was wrong', async () => {
    let isSlow = false;
    const counted: string[] = [];
    const slow = new TestHandler();
    const quick: JobHandler = {
      kind: 'test',
      async run(context) {
        counted.push(context.job.id);
        return isSlow ? await slow.run(context) : {};
      },
      cleanUp: () => Promise.resolve([]),
    };
    await using life = await open({ handlers: [quick], limits: { slots: 2 } });
    const many = Array.from({ length: 200 }, () => ({}));
    await life.submit(...many);
    for (let step = 0; (await life.service.counts()).completed < 200; step += 1) {
      assert.ok(step < 100);
      await life.stores.clock.advance(SECOND_MS / 4);
    }
    assert.equal(new Set(counted).size, 200);
    isSlow = true;
    await life.submit(...many.slice(0, 50));
    await life.stores.clock.advance(SECOND_MS / 2);
    assert.equal((await life.service.counts()).running, 50, 'claimed, though two run');
    await life.stores.clock.advance(3 * SECOND_MS);
    assert.equal((await life.service.counts()).running, 2);
    const given = await life.service.list({
      ...{ sort: 'createdAt', order: 'desc', limit: 1, states: ['pending'] },
    });
    assert.equal(given.jobs[0]?.attempt, 1);
    for (const call of slow.calls) call.fail(wrong);
  });
});
