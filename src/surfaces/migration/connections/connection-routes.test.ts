import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { injectMigration } from '#test/migration-fixture.ts';

const NOW = '2026-01-17T10:30:00.000Z';
const LAB = {
  ...{ name: 'lab', vcenter_url: 'https://vc.test/sdk', username: 'admin' },
  ...{ password: 's3cr3t', insecure: true },
};

describe('a connection', () => {
  it('is kept and answered without its password', async () => {
    const { call, fake } = injectMigration();
    const created = await call('POST', '/connections', LAB);
    assert.equal(created.status, 201);
    assert.deepEqual(created.json['connection'], {
      ...{ name: 'lab', type: 'vsphere', vcenter_url: 'https://vc.test/sdk', username: 'admin' },
      ...{ has_password: true, datacenter: null, insecure: true, thumbprint: null, ca: null },
      ...{ created_at: NOW, updated_at: NOW },
    });
    assert.equal(fake.connections.passwords.get('lab'), 's3cr3t');
    const one = await call('GET', '/connections/lab');
    const { json } = await call('GET', '/connections');
    assert.deepEqual(json, { connections: [one.json], total: 1, timestamp: NOW });
    assert.doesNotMatch(JSON.stringify([created.json, one.json, json]), /s3cr3t/);
  });

  it('changes in what is given, so that its own answer can be sent back', async () => {
    const { call, fake } = injectMigration();
    await call('POST', '/connections', LAB);
    const { json } = await call('GET', '/connections/lab');
    const changed = await call('PUT', '/connections/lab', { ...json, username: 'root' });
    assert.equal(changed.status, 200);
    assert.partialDeepStrictEqual(changed.json['connection'], { username: 'root' });
    assert.equal(changed.json['warnings'], undefined);
    assert.equal(fake.connections.passwords.get('lab'), 's3cr3t');
  });

  it('is tried out', async () => {
    const { call } = injectMigration();
    await call('POST', '/connections', LAB);
    const { status, json } = await call('POST', '/connections/lab/test');
    assert.equal(status, 200);
    assert.deepEqual(json, {
      ...{ message: 'connection works', success: true, vms: 12, duration_ms: 34 },
      ...{ product: 'VMware vCenter Server 8.0.2', timestamp: NOW },
    });
    await call('PUT', '/connections/lab', { password: 'wrong' });
    const refused = await call('POST', '/connections/lab/test');
    assert.equal(refused.status, 400);
    assert.match(String(refused.json['error']), /refused the user name or password/);
  });

  it('is removed', async () => {
    const { call } = injectMigration();
    await call('POST', '/connections', LAB);
    assert.equal((await call('DELETE', '/connections/lab')).status, 200);
    assert.equal((await call('GET', '/connections/lab')).status, 404);
    assert.equal((await call('POST', '/connections/lab/test')).status, 404);
  });

  for (const field of ['name', 'vcenter_url', 'username', 'password'] as const) {
    it(`without ${field} is refused`, async () => {
      const { call } = injectMigration();
      const { [field]: _left, ...rest } = LAB;
      const { status, json } = await call('POST', '/connections', rest);
      const text = `the connection cannot be taken: ${field}: is missing`;
      assert.deepEqual([status, json['error']], [400, text]);
    });
  }

  it('of which nothing is said is told all that is missing', async () => {
    const { call } = injectMigration();
    const { status, json } = await call('POST', '/connections', {});
    assert.equal(status, 400);
    for (const field of ['name', 'vcenter_url', 'username', 'password']) {
      assert.match(String(json['error']), new RegExp(`${field}: is missing`));
    }
  });

  it('with a number for a password is refused without quoting it', async () => {
    const { call } = injectMigration();
    const { status, json } = await call('POST', '/connections', { ...LAB, password: 424242 });
    assert.equal(status, 400);
    assert.doesNotMatch(JSON.stringify(json), /424242/);
  });
});
