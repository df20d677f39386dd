/** What every SilenceStore does. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Silence, SilenceStore } from '#metrics/thresholds/silence.ts';

export interface OpenSilenceStore extends AsyncDisposable {
  readonly rules: SilenceStore;
}

const NOW = 1_700_000_000_000;
const MATCHER = { label: 'server', operator: '=~', value: 'é"\\.*' } as const;

function silenceOf(id: string, untilMs: number): Silence {
  const made = { createdBy: 'operator:ada', createdAt: NOW };
  return { id, matchers: [MATCHER], untilMs, comment: 'wörk', ...made };
}

export function itKeepsSilences(open: () => Promise<OpenSilenceStore>): void {
  it('keeps silences as they are until they have ended, and at most so many', async () => {
    await using stores = await open();
    const { rules: store } = stores;
    const limit = { most: 2, nowMs: NOW };
    await store.insertSilence(silenceOf('a', NOW + 2), limit);
    await store.insertSilence(silenceOf('b', NOW + 1), limit);
    assert.deepEqual(await store.silences(), [silenceOf('b', NOW + 1), silenceOf('a', NOW + 2)]);
    const full = { kind: 'resource_exhausted', reason: 'TOO_MANY_SILENCES' };
    await assert.rejects(store.insertSilence(silenceOf('c', NOW + 3), limit), full);
    assert.equal((await store.silences()).length, 2);
    await store.insertSilence(silenceOf('c', NOW + 3), { most: 2, nowMs: NOW + 1 });
    assert.deepEqual(
      (await store.silences()).map(({ id }) => id),
      ['a', 'c'],
    );
    assert.equal(await store.removeSilence('a'), true);
    assert.equal(await store.removeSilence('a'), false);
  });
}
