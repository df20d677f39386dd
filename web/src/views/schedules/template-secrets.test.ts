import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formOf, toChanges } from './schedule-form.ts';
import { holdsSecret, liftSecrets, secretsNeeded, withSecrets } from './template-secrets.ts';

const LOGIN = { vcenter_url: 'https://vc.lab', username: 'ada' };
const OTHER = { type: 'drover', customer_id: 'acme', url: 'https://two.lab' };

describe('the secrets of a schedule', () => {
  it('are known in its text from their first letter on', () => {
    for (const text of ['"password": "h', '{"token":\n"x"}', '"password" : "a\\"b"']) {
      assert.equal(holdsSecret(text), true, text);
    }
    for (const text of [
      '"password": ""',
      '"password": "',
      '{"name": "password"}',
      '"tokens":"x"',
    ]) {
      assert.equal(holdsSecret(text), false, text);
    }
  });

  it('are taken out of it, whether it is JSON already or not', () => {
    assert.deepEqual(liftSecrets('{"source": {"password": "a\\"b\\u0041"}, "token": "t"}'), {
      text: '{"source": {"password": ""}, "token": ""}',
      secrets: { password: 'a"bA', token: 't' },
    });
    assert.deepEqual(liftSecrets('{"password": "open\n"name": "x"'), {
      ...{ text: '{"password": ""\n"name": "x"', secrets: { password: 'open' } },
    });
    assert.equal(holdsSecret(liftSecrets('"password": "a", "password": "b"').text), false);
  });

  it('are asked for where there is somewhere to log in', () => {
    assert.deepEqual(secretsNeeded({ source: LOGIN, destination: OTHER }), ['password', 'token']);
    assert.deepEqual(secretsNeeded({ vcenter: { server: 'x' } }), ['password']);
    assert.deepEqual(secretsNeeded({ source: { connection: 'lab' }, destination: {} }), []);
    assert.deepEqual(secretsNeeded(undefined), []);
  });

  it('are sent where they belong, and left out where none was typed', () => {
    const typed = { password: 'p', token: '' };
    const template = { source: { ...LOGIN, password: '' }, destination: { ...OTHER, token: '' } };
    assert.deepEqual(withSecrets(template, typed), {
      ...{ source: { ...LOGIN, password: 'p' }, destination: OTHER },
    });
    assert.deepEqual(withSecrets({ vcenter: LOGIN }, typed), {
      vcenter: { ...LOGIN, password: 'p' },
    });
    const before = formOf(undefined, { vm_path: 'a', source: LOGIN });
    assert.deepEqual(toChanges({ ...before, password: 'p' }, before), {
      job_template: { vm_path: 'a', source: { ...LOGIN, password: 'p' } },
    });
    assert.deepEqual(toChanges(before, before), {});
  });
});
