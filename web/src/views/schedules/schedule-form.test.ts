import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formOf, parseTemplate, toChanges } from './schedule-form.ts';

describe('the form of a schedule', () => {
  const before = { ...formOf(undefined, { vm_path: 'web' }), name: 'nightly' };

  it('sends all of a new one that is not empty', () => {
    assert.deepEqual(toChanges(before, undefined), {
      ...{ name: 'nightly', schedule: '0 2 * * *', enabled: true, missed: 'once' },
      ...{ overlap: 'skip', jitter: 0, job_template: { vm_path: 'web' } },
    });
  });

  it('sends what was changed of one that there is', () => {
    assert.deepEqual(toChanges(before, before), {});
    const form = { ...before, description: '', jitter: '60', template: '{"vm_path": "db"}' };
    assert.deepEqual(toChanges(form, { ...before, description: 'old' }), {
      ...{ description: '', jitter: 60, job_template: { vm_path: 'db' } },
    });
  });

  it('knows what is no migration', () => {
    assert.deepEqual(['{', '7', 'null'].map(parseTemplate), [undefined, undefined, undefined]);
  });
});
