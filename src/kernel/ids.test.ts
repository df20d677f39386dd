import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createJobId } from './ids.ts';

describe('createJobId', () => {
  it('makes UUIDs that begin with the millisecond in which they were made', () => {
    const beforeMs = Date.now();
    const id = createJobId();
    const afterMs = Date.now();
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const madeMs = Number.parseInt(id.slice(0, 13).replace('-', ''), 16);
    assert.ok(madeMs >= beforeMs && madeMs <= afterMs, `${madeMs}`);
    assert.notEqual(createJobId(), createJobId());
  });
});
