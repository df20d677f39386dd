/** What `GET` answers can be sent back by `PUT`, through the real service. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rootCertificates } from 'node:tls';
import type { JobTemplate } from '#schedules/schedule.ts';
import { injectMigration } from '#test/migration-fixture.ts';
import { ScheduleFixture } from '#test/schedule-fixture.ts';
import { secretUsesOf } from '#transfers/secret-uses.ts';

const LOGIN = { vcenter_url: 'https://vc.test/sdk', username: 'u', password: 's3cr3t' };
const KVM = { type: 'kvm' };
const TEMPLATES: Readonly<Record<string, object>> = {
  'an address': { vm_path: 'DC0/vm/a', source: LOGIN, destination: KVM },
  'an address that is pinned': {
    ...{ vm_path: 'DC0/vm/a', destination: { ...KVM, pool: 'fast', ready_text: 'up' } },
    source: { ...LOGIN, datacenter: 'DC0', thumbprint: 'ab'.repeat(32) },
    ...{ name: 'web', priority: -5, max_attempts: 2, metadata: { a: 'b' } },
    options: { bandwidth_limit: '1MiB/s', boot_timeout: '5m', target_name: 'web' },
  },
  'an address and its authority': {
    ...{ vm_path: 'DC0/vm/a', destination: KVM },
    source: { ...LOGIN, ca: rootCertificates[0] },
  },
  'a connection': { vm_path: 'DC0/vm/*', source: { connection: 'lab' }, destination: KVM },
  'its datacenter': {
    ...{ vm_path: 'a', source: { connection: 'lab', datacenter: 'DC1' } },
    destination: { type: 'drover', customer_id: 'acme', ready_text: 'up' },
  },
  'the default': { vm_path: 'DC0/vm/a', destination: { ...KVM, directory: '/exports' } },
  files: {
    ...{ vm_path: 'a', source: { type: 'file', path: '/images' } },
    destination: { type: 'file', directory: '/exports' },
  },
  'another Drover': {
    ...{ vm_path: 'DC0/vm/a', source: LOGIN },
    destination: {
      ...{ type: 'drover', customer_id: 'acme', url: 'https://two.test', token: 't0p' },
    },
  },
};

function pick({ spec, kind, lanes }: JobTemplate) {
  return { spec, kind, lanes };
}

async function setUp() {
  const fixture = await ScheduleFixture.open({ secretUsesOf });
  return { fixture, ...injectMigration({ parts: { schedules: fixture.service } }) };
}

describe('a schedule that is sent back as it was answered', () => {
  it('is as it was, whatever its jobs go from and to', async () => {
    const { fixture, call } = await setUp();
    await using _ = fixture;
    for (const [what, template] of Object.entries(TEMPLATES)) {
      const body = { id: 'p', schedule: '0 2 * * *', job_template: template };
      assert.equal((await call('POST', '/schedules', body)).status, 201, what);
      // What is not answered would be lost without showing.
      const stored = (await fixture.service.get('p')).template;
      const { updated_at: _1, ...before } = (await call('GET', '/schedules/p')).json;
      const { status, json } = await call('PUT', '/schedules/p', before);
      assert.equal(status, 200, `${what}: ${String(json['error'])}`);
      assert.equal(json['warnings'], undefined, what);
      const { updated_at: _2, ...after } = (await call('GET', '/schedules/p')).json;
      assert.deepEqual(after, before, what);
      assert.deepEqual(pick((await fixture.service.get('p')).template), pick(stored), what);
      await call('DELETE', '/schedules/p');
    }
  });

  it('keeps its password for the same login, and asks for it for another', async () => {
    const { fixture, call } = await setUp();
    await using _ = fixture;
    const body = { id: 'p', schedule: '0 2 * * *', job_template: TEMPLATES['an address'] };
    await call('POST', '/schedules', body);
    const { password: _password, ...login } = LOGIN;
    const put = async (source: object) =>
      await call('PUT', '/schedules/p', {
        job_template: { vm_path: 'DC0/vm/b', source, destination: KVM },
      });
    assert.equal((await put(login)).status, 200);
    await call('POST', '/schedules/p/trigger');
    const [job] = fixture.jobs.submitted;
    assert.deepEqual([job?.subject, job?.secrets], ['DC0/vm/b', { password: 's3cr3t' }]);
    for (const elsewhere of [
      { ...login, vcenter_url: 'https://evil.test' },
      { ...login, username: 'root' },
    ]) {
      const { status, json } = await put(elsewhere);
      assert.equal(status, 400);
      assert.match(String(json['error']), /^job_template\.source\.password: is missing/);
    }
    assert.equal((await put({ connection: 'lab' })).status, 200);
    assert.equal((await put(login)).status, 400);
  });
});
