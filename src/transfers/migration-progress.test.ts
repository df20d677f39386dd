import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JobProgress } from '#jobs/job.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { MIB } from '#kernel/units.ts';
import { MigrationProgress } from './migration-progress.ts';

function setUp() {
  const clock = new FakeClock();
  const told: JobProgress[] = [];
  const progress = new MigrationProgress({ clock, report: (each) => void told.push(each) });
  progress.setParts([{ key: 'a', name: 'Hard disk 1', totalBytes: 100 * MIB }]);
  progress.enter('transfer');
  return { clock, progress, last: () => told.at(-1) };
}

describe('the progress of a migration', () => {
  it('tells a rate, and how long the rest takes at it', async () => {
    const { clock, progress, last } = setUp();
    await clock.advance(2000);
    progress.advance('a', 20 * MIB);
    assert.partialDeepStrictEqual(last(), { bytesPerSecond: 10 * MIB, secondsLeft: 8 });
  });

  it('takes nothing for fast that an earlier attempt has copied', async () => {
    const { clock, progress, last } = setUp();
    await clock.advance(1000);
    progress.resume('a', 80 * MIB);
    assert.partialDeepStrictEqual(last(), { doneBytes: 80 * MIB, bytesPerSecond: undefined });
    await clock.advance(2000);
    progress.advance('a', 82 * MIB);
    assert.partialDeepStrictEqual(last(), { bytesPerSecond: MIB, secondsLeft: 18 });
  });

  it('does not know how long it takes when all has moved and there is more to do', async () => {
    const { clock, progress, last } = setUp();
    await clock.advance(2000);
    progress.advance('a', 100 * MIB);
    progress.say('the other end checks it');
    assert.equal(last()?.secondsLeft, undefined);
    assert.equal(last()?.message, 'the other end checks it');
  });
});
