import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { GIB, MIB } from '#kernel/units.ts';
import { DiskRates } from './disk-rates.ts';
import { formatLeft, jobToFrame, jobToLine } from './job-frame.ts';
import type { WireDisk, WireJob } from './wire-job.ts';

function disk(doneBytes: number, totalBytes: number | null = 2 * GIB): WireDisk {
  return {
    ...{ name: 'Hard disk 1', current_bytes: doneBytes, total_bytes: totalBytes },
    percent_complete: totalBytes === null ? null : (doneBytes / totalBytes) * 100,
  };
}

function job(changes: Partial<WireJob> = {}): WireJob {
  return {
    definition: {
      ...{ id: 'job-1', name: null, vm_path: 'DC0/vm/web', priority: 0 },
      ...{ batch_id: null, schedule_id: null, created_at: '2026-01-01T00:00:00.000Z' },
    },
    status: 'running',
    progress: {
      ...{ stage: 'transfer', percent_complete: 40.25, current_bytes: GIB, total_bytes: 4 * GIB },
      ...{ bytes_per_second: 100 * MIB, estimated_remaining: 31, current_step: 'over nfc' },
      disks: [disk(GIB), { ...disk(0), name: 'Hard \u001B[2Jdisk 2' }],
    },
    ...{ started_at: null, completed_at: null, error: null, last_error: null, result: null },
    ...{ attempts: 1, max_attempts: 5, next_attempt_at: null, cancel_requested: false },
    ...{ controls: {}, worker: null },
    ...changes,
  };
}

describe('what is drawn of a job', () => {
  it('is a bar for each disk, with its rate and time left, and one for all', () => {
    assert.deepEqual(jobToFrame(job(), [128 * MIB, undefined]), [
      'job-1 DC0/vm/web: transfer (over nfc)',
      '  Hard disk 1      ████████████░░░░░░░░░░░░   50.0 %  1 GiB of 2 GiB  128 MiB/s  8s left',
      '  Hard ?[2Jdisk 2  ░░░░░░░░░░░░░░░░░░░░░░░░    0.0 %  0 B of 2 GiB',
      '  in all           █████████░░░░░░░░░░░░░░░   40.3 %  1 GiB of 4 GiB  100 MiB/s  31s left',
    ]);
  });

  it('has no rate of a disk that is done', () => {
    const { progress } = job();
    const done = job({ progress: { ...progress, disks: [disk(2 * GIB)] } });
    assert.match(jobToFrame(done, [MIB])[1] ?? '', / 100\.0 % {2}2 GiB of 2 GiB$/);
  });

  it('says of a job that waits why', () => {
    const waiting = job({
      ...{ status: 'pending', next_attempt_at: '2026-01-01T00:01:00.000Z' },
      last_error: { kind: 'unavailable', message: 'the vCenter is gone' },
    });
    assert.deepEqual(jobToFrame(waiting, []), [
      'job-1 DC0/vm/web: waiting, to be tried again at 2026-01-01T00:01:00.000Z: ' +
        'attempt 1 failed: the vCenter is gone',
    ]);
  });

  it('is one line for what is no terminal', () => {
    assert.equal(
      jobToLine(job()),
      'transfer (over nfc) 40.3 %, 1 GiB of 4 GiB, 100 MiB/s, 31s left',
    );
    assert.equal(jobToLine(job({ cancel_requested: true })), 'cancelling');
    assert.equal(jobToLine(job({ status: 'failed', error: 'it is full' })), 'failed: it is full');
  });

  it('shows times that people can read', () => {
    const shown = [0.2, 59, 125, 12_000, 180_000].map(formatLeft);
    assert.deepEqual(shown, ['1s', '59s', '2m 5s', '3h 20m', '2d 2h']);
  });
});

describe('DiskRates', () => {
  it('tells the rate of each disk over the last seconds', () => {
    const rates = new DiskRates();
    assert.deepEqual(rates.update([disk(0), disk(0)], 0), [undefined, undefined]);
    assert.deepEqual(rates.update([disk(MIB), disk(0)], 500), [undefined, undefined]);
    assert.deepEqual(rates.update([disk(4 * MIB), disk(MIB)], 2000), [2 * MIB, MIB / 2]);
    assert.deepEqual(rates.update([disk(4 * MIB), disk(MIB)], 13_000), [undefined, undefined]);
  });

  it('begins anew when a disk is read once more', () => {
    const rates = new DiskRates();
    rates.update([disk(4 * MIB)], 0);
    assert.deepEqual(rates.update([disk(MIB)], 2000), [undefined]);
    assert.deepEqual(rates.update([disk(3 * MIB)], 4000), [MIB]);
  });
});
