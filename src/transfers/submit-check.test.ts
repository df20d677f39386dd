import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { checkSubmission } from './submit-check.ts';
import { parseMigration } from './parse-migration.ts';

const LEAST = { vm_path: 'DC0/vm/a', source: { connection: 'lab' }, destination: { type: 'kvm' } };

async function refusalOf(changes: object, hasDefaultSource = true): Promise<unknown> {
  const connections = {
    get: (name: string) =>
      Promise.reject(
        name === 'broken' ? new Error('cut') : new DroverError('not_found', `no ${name}`),
      ),
  };
  const parts = {
    directories: ['/exports'],
    connections,
    hasDefaultSource: () => hasDefaultSource,
  };
  const request = parseMigration({ ...LEAST, source: {}, ...changes });
  try {
    await checkSubmission(parts, request);
    return 'taken';
  } catch (thrown) {
    if (!(thrown instanceof DroverError)) throw thrown;
    return [thrown.kind, thrown.reason, thrown.metadata['field']];
  }
}

describe('checkSubmission', () => {
  it('takes what may work', async () => {
    for (const changes of [
      {},
      { source: { type: 'file', path: '/exports/a.ova' } },
      { destination: { type: 'file', directory: '/exports' } },
      { destination: { type: 'kvm', directory: '/exports/kvm' } },
      { destination: { type: 'drover', customer_id: 'acme' } },
    ]) {
      assert.equal(await refusalOf(changes), 'taken');
    }
  });

  it('names what cannot', async () => {
    const outside = ['permission_denied', 'DIRECTORY_NOT_ALLOWED'];
    const file = { type: 'file', path: '/exports-of-others/a.ova' };
    assert.deepEqual(await refusalOf({ source: file }), [...outside, 'source.path']);
    for (const destination of [
      { type: 'file', directory: '/etc' },
      { type: 'kvm', directory: '/var/lib' },
    ]) {
      assert.deepEqual(await refusalOf({ destination }), [...outside, 'destination.directory']);
    }
    assert.deepEqual(await refusalOf({ source: { connection: 'nope' } }), [
      ...['invalid_argument', 'CONNECTION_NOT_FOUND', 'source.connection'],
    ]);
    assert.deepEqual(await refusalOf({}, false), [
      ...['invalid_argument', 'NO_DEFAULT_SOURCE', 'source'],
    ]);
  });

  it('passes on that the database does not answer', async () => {
    await assert.rejects(refusalOf({ source: { connection: 'broken' } }), { message: 'cut' });
  });
});
