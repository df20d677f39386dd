import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failureToError } from '#stores/database-error.ts';
import { failureOf as postgresFailureOf } from './postgres/failures.ts';
import { failureOf as sqliteFailureOf } from './sqlite/failures.ts';

function errorWith(fields: object, message = 'as the driver says it'): Error {
  return Object.assign(new Error(message), fields);
}

describe('errors of SQLite', () => {
  it('are known by their result codes, plain and extended', () => {
    const table = {
      5: 'busy',
      261: 'busy',
      8: 'read-only',
      1544: 'read-only',
      778: 'unreachable',
      13: 'storage-full',
      14: 'unreachable',
      11: 'damaged',
      26: 'damaged',
    };
    for (const [errcode, kind] of Object.entries(table)) {
      assert.equal(sqliteFailureOf(errorWith({ errcode: Number(errcode) }))?.kind, kind, errcode);
    }
  });

  it('name the table whose key is taken', () => {
    const taken = { kind: 'unique', table: 'machines' };
    for (const errcode of [1555, 2067]) {
      const error = errorWith({ errcode }, 'UNIQUE constraint failed: machines.id');
      assert.deepEqual(sqliteFailureOf(error), taken);
    }
  });

  it('are left alone when they are mistakes of ours, or not of SQLite', () => {
    assert.equal(sqliteFailureOf(errorWith({ errcode: 1 })), undefined);
    assert.equal(sqliteFailureOf(errorWith({ errcode: 1299 })), undefined);
    assert.equal(sqliteFailureOf(errorWith({ code: 'ENOENT' })), undefined);
    assert.equal(sqliteFailureOf('text'), undefined);
  });
});

describe('errors of PostgreSQL', () => {
  it('are known by their codes, or by the class of the code', () => {
    const table = {
      '53100': 'storage-full',
      '53300': 'unreachable',
      '25006': 'read-only',
      '40001': 'lost-race',
      '40P01': 'lost-race',
      '57P01': 'unreachable',
      '57014': 'busy',
      '08006': 'unreachable',
      '22021': 'unfit-value',
      XX001: 'damaged',
      ECONNREFUSED: 'unreachable',
    };
    for (const [code, kind] of Object.entries(table)) {
      assert.equal(postgresFailureOf(errorWith({ code }))?.kind, kind, code);
    }
    const lost = errorWith({}, 'Connection terminated unexpectedly');
    assert.equal(postgresFailureOf(lost)?.kind, 'unreachable');
  });

  it('name the table whose key is taken', () => {
    const error = errorWith({ code: '23505', table: 'tokens' });
    assert.deepEqual(postgresFailureOf(error), { kind: 'unique', table: 'tokens' });
  });

  it('are left alone when they are mistakes of ours, or not of PostgreSQL', () => {
    assert.equal(postgresFailureOf(errorWith({ code: '42P01' })), undefined);
    assert.equal(postgresFailureOf(errorWith({ code: '23503' })), undefined);
    assert.equal(postgresFailureOf(new Error('something else')), undefined);
    assert.equal(postgresFailureOf(undefined), undefined);
  });
});

describe('what a caller is told', () => {
  it('says what it means for them, and keeps the words of the driver for the log', () => {
    const cause = new Error('disk of host db-7 is full');
    const error = failureToError({ kind: 'storage-full' }, cause);
    assert.equal(error.kind, 'unavailable');
    assert.equal(error.reason, 'STORAGE_FULL');
    assert.match(error.message, /nothing was changed/);
    assert.doesNotMatch(error.message, /db-7/);
    assert.equal(error.cause, cause);
  });
});
