import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from './api-error.ts';
import { followStream, type StreamState } from './follow-stream.ts';

function failure(kind: string): ApiError {
  return new ApiError({ kind, status: 0, message: kind });
}

describe('followStream', () => {
  it('begins anew after a wait, and hands on what comes', async () => {
    const abort = new AbortController();
    const told: (string | number)[] = [];
    let opened = 0;
    await followStream<number>(
      {
        open: async function* () {
          opened += 1;
          yield await Promise.resolve(opened);
          if (opened === 2) throw failure('offline');
          if (opened === 3) abort.abort();
        },
        onMessage: (message) => told.push(message),
        onState: ({ kind }) => told.push(kind),
        wait: () => Promise.resolve(),
      },
      abort.signal,
    );
    const round = ['following', 1, 'waiting', 'following', 2, 'waiting', 'following', 3];
    assert.deepEqual(told, round);
  });

  it('ends where it is refused, and waits longer where it fails', async () => {
    const states: StreamState[] = [];
    const waits: number[] = [];
    await followStream<never>(
      {
        open: (): AsyncGenerator<never> => {
          throw failure(waits.length < 3 ? 'unavailable' : 'not_found');
        },
        onMessage: () => assert.fail('nothing came'),
        onState: (state) => states.push(state),
        wait: (ms) => {
          waits.push(ms);
          return Promise.resolve();
        },
      },
      new AbortController().signal,
    );
    assert.deepEqual(
      waits.map((ms, at) => ms >= 500 * 2 ** at && ms <= 1000 * 2 ** at),
      [true, true, true],
    );
    const last = states.at(-1);
    assert.equal(last?.kind === 'refused' && last.error.facts.kind, 'not_found');
  });
});
