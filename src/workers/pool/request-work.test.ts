import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shuttingDown } from './pool-errors.ts';
import { RequestWork } from './request-work.ts';
import type { Outcome } from './work.ts';
import { Asker } from '#test/pool-fixture.ts';

function openWork() {
  const outcomes: Outcome[] = [];
  const asker = new Asker();
  const head = { method: 'GET', url: 'http://app/', headers: [], hasBody: false };
  const owner = {
    settle: (_work: object, outcome: Outcome) => void outcomes.push(outcome),
    exempt: () => undefined,
  };
  return {
    asker,
    outcomes,
    work: new RequestWork(owner, 0, { head, body: undefined, handler: asker }),
  };
}

describe('a request on its way', () => {
  it('is over once, whatever comes after', async () => {
    const { asker, outcomes, work } = openWork();
    work.fail(shuttingDown(), 'shutting-down');
    work.onFail(shuttingDown());
    work.onHead({ status: 200, headers: [] }, undefined);
    work.onEnd();
    work.abort();
    work.fail(shuttingDown(), 'crashed');
    await Promise.resolve();
    assert.deepEqual(outcomes, ['shutting-down']);
    assert.deepEqual([asker.heads.length, asker.ends], [0, 0]);
  });

  it('says nothing to an asker that left before it could be told', async () => {
    const { asker, outcomes, work } = openWork();
    work.fail(shuttingDown(), 'shutting-down');
    work.abort();
    await Promise.resolve();
    assert.deepEqual(outcomes, ['shutting-down']);
    assert.equal(asker.isOver, false);
  });
});
