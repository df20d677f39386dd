import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import { FakeMigration, injectMigration } from '#test/migration-fixture.ts';
import { checkSubmission } from '#transfers/submit-check.ts';
import { DOCUMENTED_JOB, LEAST_JOB } from '#test/documented-job.ts';

const NOW = '2026-01-17T10:30:00.000Z';

describe('POST /jobs/submit', () => {
  it('takes the documented job', async () => {
    const { call, fake } = injectMigration();
    const { status, json } = await call('POST', '/jobs/submit', DOCUMENTED_JOB);
    const [job] = fake.jobs.all.values();
    assert.equal(status, 201);
    assert.deepEqual(json, {
      ...{ job_id: job?.id, message: 'job submitted successfully', job_ids: [job?.id] },
      ...{ accepted: 1, rejected: 0, timestamp: NOW },
    });
    assert.equal(job?.subject, DOCUMENTED_JOB.vm_path);
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

  it('takes what curl sends as a form, unless a page of another origin sent it', async () => {
    const { app, fake } = injectMigration();
    const send = async (headers: Record<string, string>, payload = JSON.stringify(LEAST_JOB)) => {
      const type = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
      const answer = { method: 'POST', url: '/jobs/submit', headers: type, payload } as const;
      return (await app.inject(answer)).statusCode;
    };
    assert.equal(await send({}), 201);
    assert.equal(await send({}, 'vm_path: DC0/vm/a\ndestination: {type: kvm}\n'), 201);
    for (const foreign of [
      ...[{ origin: 'https://evil.test' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }],
      { origin: 'https://evil.test', 'content-type': 'text/plain' },
    ]) {
      assert.equal(await send(foreign), 403);
    }
    assert.equal(fake.jobs.requests.length, 2);
  });

  it('refuses what is certain to fail, and names the field', async () => {
    const fake = new FakeMigration();
    const { connections } = fake;
    const parts = { directories: ['/exports'], connections, hasDefaultSource: () => false };
    const { call } = injectMigration({
      fake,
      parts: { checkSubmission: (request) => checkSubmission(parts, request) },
    });
    const lab = { type: 'vsphere', connection: 'lab' };
    await call('POST', '/connections', {
      ...{ name: 'lab', vcenter_url: 'https://vc.test', username: 'a', password: 'b' },
    });
    const right = { vm_path: 'a', source: lab, destination: { type: 'kvm' } };
    const wrong = [
      { ...right, source: { connection: 'nope' } },
      { ...right, source: { type: 'file', path: '/etc/shadow' } },
      { vm_path: 'a', source: lab, output_dir: '/etc' },
      { ...right, source: undefined },
    ];
    const answers = [];
    for (const body of wrong) {
      const { status, json } = await call('POST', '/jobs/submit', body);
      answers.push([status, String(json['error']).split(':', 1)[0]]);
    }
    assert.deepEqual(answers, [
      ...[
        [400, 'source.connection'],
        [403, 'source.path'],
        [403, 'destination.directory'],
      ],
      [400, 'source'],
    ]);
    const batch = await call('POST', '/jobs/submit', [...wrong, right]);
    assert.deepEqual([batch.status, batch.json['rejected']], [201, 4]);
    assert.match(
      String(batch.json['errors']),
      /jobs\[0\]: source\.connection: .*jobs\[3\]: source:/,
    );
    const schedule = { schedule: '@daily', job_template: wrong[0] };
    const { status, json } = await call('POST', '/schedules', schedule);
    assert.equal(status, 400);
    assert.match(String(json['error']), /^job_template\.source\.connection: there is none/);
  });

  for (const [what, wrap] of [
    ['an array', (jobs: unknown[]) => jobs],
    ['an object with jobs', (jobs: unknown[]) => ({ jobs })],
  ] as const) {
    it(`takes ${what}, and tells which of them it did not take`, async () => {
      const { call, fake } = injectMigration();
      const body = wrap([
        LEAST_JOB,
        { destination: LEAST_JOB.destination },
        { ...LEAST_JOB, vm_path: 'b' },
      ]);
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
    const body = [{ ...LEAST_JOB, id: 'mine' }, LEAST_JOB, { ...LEAST_JOB, id: 'new' }];
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
      ['a batch of too many', Array(1001).fill(LEAST_JOB), 400, /^jobs: must be a list/],
      ['a batch of which none is right', [{}, {}], 400, /^no job was accepted: jobs\[0\].*and 1 /],
      ['an id that is a path of this API', { ...LEAST_JOB, id: 'query' }, 400, /^id: is a word/],
      ['an id that is taken', { ...LEAST_JOB, id: 'taken' }, 409, /already exists/],
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
    const body = { ...LEAST_JOB, colour: 'red', vm_pth: 'x', options: { network_maping: {} } };
    const { json } = await call('POST', '/jobs/submit', body);
    assert.deepEqual(json['warnings'], [
      'vm_pth: is ignored; did you mean vm_path?',
      'options.network_maping: is ignored; did you mean network_mapping?',
    ]);
    const batch = await call('POST', '/jobs/submit', [LEAST_JOB, { ...LEAST_JOB, nme: 'a' }]);
    assert.deepEqual(batch.json['warnings'], ['jobs[1].nme: is ignored; did you mean name?']);
  });

  it('takes what only the program before it can do, and tells what becomes of it', async () => {
    const { call, fake } = injectMigration();
    for (const method of ['govc', 'ovftool', 'ctl']) {
      const body = { ...LEAST_JOB, export_method: method, format: 'ova' };
      const { status, json } = await call('POST', '/jobs/submit', body);
      assert.equal(status, 201);
      assert.deepEqual(json['warnings'], [
        `export_method: ${method} is taken for auto`,
        'format: is ignored; disks are written as options.disk_format says',
      ]);
    }
    const [request] = fake.jobs.requests;
    assert.partialDeepStrictEqual(request?.spec, { options: { transport: 'auto' } });
    const template = { ...LEAST_JOB, options: { conversion_method: 'ctl' } };
    const scheduled = await call('POST', '/schedules', {
      ...{ schedule: '@daily', job_template: template },
    });
    assert.deepEqual(scheduled.json['warnings'], [
      'job_template.options.conversion_method: ctl is taken for auto',
    ]);
  });

  it('passes on that the server cannot take more', async () => {
    const { call, fake } = injectMigration();
    fake.jobs.submit = () =>
      Promise.reject(new DroverError('resource_exhausted', 'too many jobs are pending'));
    assert.equal((await call('POST', '/jobs/submit', [LEAST_JOB])).status, 429);
  });
});
