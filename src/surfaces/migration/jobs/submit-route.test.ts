import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import { injectMigration } from '#test/migration-fixture.ts';

const NOW = '2026-01-17T10:30:00.000Z';
/** The example of the document. */
const DOCUMENTED = {
  vm_path: 'Datacenter/vm/production/web-server-1',
  source: {
    type: 'vsphere',
    vcenter_url: 'vcenter.example.com',
    username: 'admin@vsphere.local',
    password: 's3cr3t-of-vcenter',
    datacenter: 'Datacenter',
  },
  destination: { type: 'kvm', libvirt_uri: 'qemu+ssh://user@host/system' },
  options: { conversion_method: 'vddk', network_mapping: { 'VM Network': 'br0' } },
};
/** The least there is to say. */
const LEAST = { vm_path: 'DC0/vm/a', destination: { type: 'kvm' } };

describe('POST /jobs/submit', () => {
  it('takes the documented job', async () => {
    const { call, fake } = injectMigration();
    const { status, json } = await call('POST', '/jobs/submit', DOCUMENTED);
    const [job] = fake.jobs.all.values();
    assert.equal(status, 201);
    assert.deepEqual(json, {
      ...{ job_id: job?.id, message: 'job submitted successfully', job_ids: [job?.id] },
      ...{ accepted: 1, rejected: 0, timestamp: NOW },
    });
    assert.equal(job?.subject, DOCUMENTED.vm_path);
    assert.deepEqual(fake.jobs.requests[0]?.secrets, { password: 's3cr3t-of-vcenter' });
  });

  it('takes it as YAML', async () => {
    const { app, fake } = injectMigration();
    const answer = await app.inject({
      ...{ method: 'POST', url: '/jobs/submit' },
      headers: { 'content-type': 'application/x-yaml' },
      payload: 'vm_path: DC0/vm/a\ndestination:\n  type: kvm\n',
    });
    assert.equal(answer.statusCode, 201);
    assert.equal(fake.jobs.requests[0]?.subject, 'DC0/vm/a');
  });

  for (const [what, wrap] of [
    ['an array', (jobs: unknown[]) => jobs],
    ['an object with jobs', (jobs: unknown[]) => ({ jobs })],
  ] as const) {
    it(`takes ${what}, and tells which of them it did not take`, async () => {
      const { call, fake } = injectMigration();
      const body = wrap([LEAST, { destination: LEAST.destination }, { ...LEAST, vm_path: 'b' }]);
      const { status, json } = await call('POST', '/jobs/submit', body);
      assert.equal(status, 201);
      assert.deepEqual([json['accepted'], json['rejected']], [2, 1]);
      assert.equal(json['message'], '2 jobs submitted successfully');
      assert.match(String(json['errors']), /^jobs\[1\]: .*vm_path: is missing/);
      assert.deepEqual(
        fake.jobs.requests.map(({ subject }) => subject),
        ['DC0/vm/a', 'b'],
      );
    });
  }

  it('takes what it can of a batch in which an id is taken', async () => {
    const { call, fake } = injectMigration();
    fake.jobs.add({ id: 'mine' as JobId });
    const body = [{ ...LEAST, id: 'mine' }, LEAST, { ...LEAST, id: 'new' }];
    const { status, json } = await call('POST', '/jobs/submit', body);
    assert.equal(status, 201);
    assert.equal(json['accepted'], 2);
    assert.deepEqual(json['errors'], ['jobs[0]: job with ID mine already exists']);
  });

  const refused: readonly (readonly [what: string, body: unknown, status: number, text: RegExp])[] =
    [
      ['nothing at all', undefined, 400, /must be a map/],
      ['a job without a path', { destination: { type: 'kvm' } }, 400, /vm_path: is missing/],
      ['an empty batch', [], 400, /^jobs: must be a list of 1 to 1000/],
      ['a batch that is no list', { jobs: 'all' }, 400, /^jobs: must be a list/],
      ['a batch of too many', Array(1001).fill(LEAST), 400, /^jobs: must be a list/],
      ['a batch of which none is right', [{}, {}], 400, /^no job was accepted: jobs\[0\].*and 1 /],
      ['an id that is a path of this API', { ...LEAST, id: 'query' }, 400, /^id: is a word/],
      ['an id that is taken', { ...LEAST, id: 'taken' }, 409, /already exists/],
    ];
  for (const [what, body, expected, text] of refused) {
    it(`refuses ${what}`, async () => {
      const { call, fake } = injectMigration();
      fake.jobs.add({ id: 'taken' as JobId });
      const { status, json } = await call('POST', '/jobs/submit', body);
      assert.equal(status, expected);
      assert.match(String(json['error']), text);
      assert.equal(json['timestamp'], NOW);
      assert.equal(fake.jobs.requests.length, 0);
    });
  }

  it('ignores fields that it does not know, and tells of those that look mistyped', async () => {
    const { call } = injectMigration();
    const body = { ...LEAST, colour: 'red', vm_pth: 'x', options: { network_maping: {} } };
    const { json } = await call('POST', '/jobs/submit', body);
    assert.deepEqual(json['warnings'], [
      'vm_pth: is ignored; did you mean vm_path?',
      'options.network_maping: is ignored; did you mean network_mapping?',
    ]);
    const batch = await call('POST', '/jobs/submit', [LEAST, { ...LEAST, nme: 'a' }]);
    assert.deepEqual(batch.json['warnings'], ['jobs[1].nme: is ignored; did you mean name?']);
  });

  it('passes on that the server cannot take more', async () => {
    const { call, fake } = injectMigration();
    fake.jobs.submit = () =>
      Promise.reject(new DroverError('resource_exhausted', 'too many jobs are pending'));
    assert.equal((await call('POST', '/jobs/submit', [LEAST])).status, 429);
  });
});
