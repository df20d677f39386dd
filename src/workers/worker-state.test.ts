import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COUNTED_AS, nextWorkerState, WORKER_STATES, type WorkerStep } from './worker-state.ts';

const STEPS: readonly WorkerStep[] = ['started', 'specialise', 'begin', 'settle', 'end'];

/** Every step that there is, and no other. */
const ALLOWED = [
  'creating started ready',
  'creating end terminated',
  'ready specialise creating',
  'ready begin active',
  'ready end terminated',
  'active begin active',
  'active settle idle',
  'active end terminated',
  'idle begin active',
  'idle end terminated',
];

describe('the states of a worker', () => {
  it('lead to each other by these steps alone', () => {
    const found = WORKER_STATES.flatMap((state) =>
      STEPS.flatMap((step) => {
        const next = nextWorkerState(state, step);
        return next === undefined ? [] : [`${state} ${step} ${next}`];
      }),
    );
    assert.deepEqual(found.toSorted(), ALLOWED.toSorted());
  });

  it('count for one of the numbers of the pool, unless they are the last', () => {
    assert.deepEqual(COUNTED_AS, {
      creating: 'creating',
      ready: 'idle',
      active: 'active',
      idle: 'idle',
      terminated: undefined,
    });
  });
});
