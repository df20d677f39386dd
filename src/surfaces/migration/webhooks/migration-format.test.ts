import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EVENT_KINDS, type DomainEvent, type JobEvent } from '#events/event.ts';
import type { JobId, ScheduleId } from '#kernel/ids.ts';
import { MIGRATION_EVENT_TYPES, migrationFormat } from './migration-format.ts';

const JOB = {
  ...{ machineId: undefined, customerId: undefined, jobId: 'job-1' as JobId },
  ...{ jobKind: 'migration', subject: 'DC0/vm/a', name: undefined, attempt: 1, message: '' },
  ...{ batchId: 'batch-1', scheduleId: 'nightly' as ScheduleId },
} as const;
const NAMED = {
  ...{ job_id: 'job-1', job_name: '', vm_path: 'DC0/vm/a', attempt: 1 },
  ...{ batch_id: 'batch-1', schedule_id: 'nightly' },
};

function render(event: DomainEvent): unknown {
  const rendered = migrationFormat.render({ id: 1, at: 0, event });
  assert.equal(rendered?.eventType, event.kind);
  return JSON.parse(rendered.body.toString());
}

describe('the format of migration webhooks', () => {
  it('tells how far a job is', () => {
    const progress = { stage: 'transfer', percent: 40, doneBytes: 4, totalBytes: undefined };
    assert.deepEqual(render({ ...JOB, kind: 'job.progress', ...progress }), {
      ...{ event: 'job.progress', timestamp: '1970-01-01T00:00:00.000Z' },
      data: {
        ...NAMED,
        ...{ phase: 'transfer', stage: 'transfer', percent_complete: 40 },
        ...{ bytes_done: 4, bytes_total: null },
      },
    });
  });

  it('tells what a job has brought about', () => {
    const result = { output_files: ['a.qcow2'], target: 'web-1' };
    const event: JobEvent = { ...JOB, kind: 'job.completed', durationMs: 2500, result };
    assert.partialDeepStrictEqual(render(event), {
      data: {
        ...{ ...NAMED, duration_seconds: 2.5, ovf_path: null },
        ...{ exported_files: ['a.qcow2'], result },
      },
    });
  });

  it('tells what a schedule has done', () => {
    const event: DomainEvent = {
      ...{ kind: 'schedule.failed', machineId: undefined, customerId: undefined },
      ...{ scheduleId: 'nightly' as ScheduleId, scheduleName: 'Nightly', jobId: undefined },
      ...{ isManual: true, message: 'the job was refused' },
    };
    assert.partialDeepStrictEqual(render(event), {
      data: {
        ...{ schedule_id: 'nightly', schedule_name: 'Nightly', job_id: null },
        ...{ manual: true, message: 'the job was refused' },
      },
    });
  });

  it('has a kind of event for each of its words, and writes no other', () => {
    for (const type of MIGRATION_EVENT_TYPES) {
      assert.deepEqual(migrationFormat.kindsOf(type), [type]);
    }
    assert.deepEqual(migrationFormat.kindsOf('machine.created'), []);
    const written = EVENT_KINDS.filter((kind) => {
      const event: object = { ...JOB, kind, result: {}, durationMs: 0 };
      return migrationFormat.render({ id: 1, at: 0, event: event as DomainEvent }) !== undefined;
    });
    assert.deepEqual(written.toSorted(), [...MIGRATION_EVENT_TYPES].toSorted());
  });
});
