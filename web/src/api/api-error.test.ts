import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answerToError, toApiError } from './api-error.ts';

describe('answerToError', () => {
  const info = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: 'INVALID_FIELD',
    metadata: { field: 'name' },
  };
  const ours = { code: 'invalid_argument', message: 'name: too long', details: [info] };

  it('reads ours, with the field and the request', () => {
    const { facts } = answerToError(400, new Headers(), { ...ours, request_id: '7f' });
    assert.deepEqual(facts, {
      ...{ kind: 'invalid_argument', message: 'name: too long', status: 400 },
      ...{ reason: 'INVALID_FIELD', field: 'name', requestId: '7f' },
      metadata: { field: 'name' },
    });
  });

  it('reads the forms of every surface', () => {
    const cases: readonly (readonly [body: unknown, kind: string, message: string])[] = [
      [{ error: 'name: too long', timestamp: '', ...ours }, 'invalid_argument', 'name: too long'],
      [{ error: 'Not found', detail: 'no server x', status: 404 }, 'http_404', 'no server x'],
      [{ status: 'error', errorType: 'bad_data', error: 'parse error' }, 'bad_data', 'parse error'],
      [{ error: 'job not found' }, 'http_404', 'job not found'],
      ['<html>', 'http_404', 'HTTP 404'],
      [undefined, 'http_404', 'HTTP 404'],
    ];
    for (const [body, kind, message] of cases) {
      const { facts } = answerToError(404, new Headers(), body);
      assert.deepEqual([facts.kind, facts.message], [kind, message]);
    }
  });

  it('knows when to come back', () => {
    const { facts } = answerToError(429, new Headers({ 'retry-after': '7' }), undefined);
    assert.equal(facts.retryAfterS, 7);
  });
});

describe('toApiError', () => {
  it('makes one of anything thrown', () => {
    assert.equal(toApiError(new TypeError('x is null')).message, 'x is null');
    assert.equal(toApiError('text').message, 'text');
  });
});
