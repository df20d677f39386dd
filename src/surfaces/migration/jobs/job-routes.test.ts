import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { injectMigration } from '#test/migration-fixture.ts';
import { parseMigration } from '#transfers/parse-migration.ts';
import { DOCUMENTED_JOB, LEAST_JOB } from '#test/documented-job.ts';

const NOW = '2026-01-17T10:30:00.000Z';

describe('a job', () => {
  it('has the documented fields, and no password anywhere', async () => {
    const { call, fake } = injectMigration();
    const { id } = fake.jobs.add(parseMigration(DOCUMENTED_JOB));
    fake.clock.jumpWallClock(1000);
    fake.jobs.set(id, {
      ...{ state: 'running', attempt: 1, startedAt: fake.clock.nowMs(), leasedBy: 'host-1' },
      progress: {
        ...{ stage: 'transfer', percent: 45.678, doneBytes: 21474836480, totalBytes: 53687091200 },
        ...{ bytesPerSecond: 125_000_000, secondsLeft: 257.3, message: 'copying 2 disks' },
        parts: [
          { name: 'Hard disk 1', doneBytes: 10, totalBytes: 10 },
          { name: 'Hard disk 2', doneBytes: 5, totalBytes: undefined },
        ],
      },
      controls: { bandwidth_limit: 1000, password: 's3cr3t-of-vcenter' },
    });
    const { status, json } = await call('GET', `/jobs/${id}`);
    assert.equal(status, 200);
    assert.doesNotMatch(JSON.stringify(json), /s3cr3t|sealed/);
    const { definition, progress, ...rest } = json;
    assert.partialDeepStrictEqual(definition, {
      ...{ id, vm_path: DOCUMENTED_JOB.vm_path, created_at: NOW, name: null },
      source: {
        ...{ type: 'vsphere', vcenter_url: 'https://vcenter.example.com/sdk' },
        ...{ username: 'admin@vsphere.local', datacenter: 'Datacenter' },
      },
      destination: { type: 'kvm', libvirt_uri: 'qemu+ssh://user@host/system' },
      options: { conversion_method: 'vddk', network_mapping: { 'VM Network': 'br0' } },
    });
    assert.deepEqual(progress, {
      ...{ stage: 'transfer', percent_complete: 45.68 },
      ...{ current_bytes: 21474836480, total_bytes: 53687091200, phase: 'transfer' },
      ...{ bytes_downloaded: 21474836480, bytes_transferred: 21474836480 },
      ...{ bytes_per_second: 125_000_000, transfer_rate_mbps: 1000, estimated_remaining: 258 },
      ...{ current_step: 'copying 2 disks', files_downloaded: 1, total_files: 2 },
      disks: [
        { name: 'Hard disk 1', current_bytes: 10, total_bytes: 10, percent_complete: 100 },
        { name: 'Hard disk 2', current_bytes: 5, total_bytes: null, percent_complete: null },
      ],
    });
    assert.deepEqual(rest, {
      ...{ status: 'running', started_at: '2026-01-17T10:30:01.000Z', completed_at: null },
      ...{ updated_at: '2026-01-17T10:30:01.000Z', error: null, last_error: null, result: null },
      ...{ attempts: 1, max_attempts: 5, next_attempt_at: null, cancel_requested: false },
      ...{ controls: { bandwidth_limit: 1000 }, worker: 'host-1' },
      commands: ['cancel', 'set-controls'],
    });
  });

  it('has a progress from the start, for those who ask at once', async () => {
    const { call, fake } = injectMigration();
    const { id } = fake.jobs.add();
    const { json } = await call('GET', `/jobs/${id}`);
    assert.partialDeepStrictEqual(json, {
      ...{ status: 'pending', error: null },
      progress: { stage: 'pending', percent_complete: 0, current_bytes: 0, total_bytes: null },
    });
  });

  it('that failed says why, and one that is tried again says so apart', async () => {
    const { call, fake } = injectMigration();
    const error = { kind: 'unavailable', reason: 'LOST', message: 'the lease expired' } as const;
    const failed = fake.jobs.add({}, { state: 'failed', error });
    const waiting = fake.jobs.add({}, { state: 'pending', attempt: 1, error });
    const [first, second] = [
      (await call('GET', `/jobs/${failed.id}`)).json,
      (await call('GET', `/jobs/${waiting.id}`)).json,
    ];
    assert.deepEqual([first['error'], first['last_error']], ['the lease expired', error]);
    assert.deepEqual([second['error'], second['last_error']], [null, error]);
    assert.equal(second['next_attempt_at'], NOW);
  });

  it('that is not there is 404', async () => {
    const { call } = injectMigration();
    const { status, json } = await call('GET', '/jobs/nobody');
    assert.equal(status, 404);
    assert.deepEqual([json['error'], json['code']], ['there is no job nobody', 'not_found']);
  });
});

describe('/jobs/query', () => {
  const setUp = () => {
    const injected = injectMigration();
    const { jobs } = injected.fake;
    const states = ['running', 'completed', 'running', 'failed'] as const;
    const ids = states.map((state, at) => jobs.add({}, { state, createdAt: at }).id);
    return { ...injected, ids };
  };
  const idsIn = ({ json }: { readonly json: Readonly<Record<string, unknown>> }) =>
    (json['jobs'] as { readonly definition: { readonly id: string } }[]).map(
      ({ definition }) => definition.id,
    );

  it('answers all, the newest first', async () => {
    const { call, ids } = setUp();
    for (const body of [undefined, {}, { all: true }, { job_ids: [], status: null }]) {
      const answer = await call('POST', '/jobs/query', body);
      assert.deepEqual(idsIn(answer), ids.toReversed());
      assert.deepEqual([answer.json['total'], answer.json['next_cursor']], [4, null]);
    }
  });

  it('is filtered by a status or several, also beside all, as documented', async () => {
    const { call, ids } = setUp();
    const documented = await call('POST', '/jobs/query', { all: true, status: 'running' });
    assert.deepEqual(idsIn(documented), [ids[2], ids[0]]);
    const several = await call('POST', '/jobs/query', { status: ['failed', 'completed'] });
    assert.deepEqual(idsIn(several), [ids[3], ids[1]]);
  });

  it('counts all that fit, however few are on the page', async () => {
    const { call, ids } = setUp();
    const first = await call('POST', '/jobs/query', { status: 'running', limit: 1 });
    assert.deepEqual(idsIn(first), [ids[2]]);
    assert.equal(first.json['total'], 2);
    const cursor = first.json['next_cursor'];
    const second = await call('POST', '/jobs/query', { status: 'running', limit: 1, cursor });
    assert.deepEqual(idsIn(second), [ids[0]]);
    assert.equal(second.json['next_cursor'], null);
  });

  it('is the same by the parameters of a GET', async () => {
    const { call, ids } = setUp();
    const query = 'status=running,failed&limit=2&offset=1&sort=created_at&order=asc&all=true';
    assert.deepEqual(idsIn(await call('GET', `/jobs/query?${query}`)), [ids[2], ids[3]]);
    const some = `job_ids=${ids[0]}&job_ids=${ids[3]}`;
    assert.deepEqual(idsIn(await call('GET', `/jobs/query?${some}`)), [ids[3], ids[0]]);
  });

  const refused = {
    'a status that there is not': [{ status: 'queued' }, /^.*: status: must be one of pending/],
    'a list with one': [{ status: ['running', 1] }, /status: must be/],
    'an id that can be none': [{ job_ids: ['a b'] }, /job_ids: must be the id of a job/],
    'a limit beyond the most': [{ limit: 1001 }, /limit: must be a whole number from 0 to 1000/],
    'an order that there is not': [{ order: 'up' }, /order: must be one of asc, desc/],
    'a cursor and an offset': [{ cursor: 'x', offset: 1 }, /offset: cannot be given beside/],
    'a list': [['running'], /must be a map/],
  } as const;
  for (const [what, [body, text]] of Object.entries(refused)) {
    it(`refuses ${what}`, async () => {
      const { call } = setUp();
      const { status, json } = await call('POST', '/jobs/query', body);
      assert.equal(status, 400);
      assert.match(String(json['error']), text);
    });
  }
});

describe('POST /jobs/cancel', () => {
  it('cancels by id and tells what it could not', async () => {
    const { call, fake } = injectMigration();
    const [running, done] = [
      fake.jobs.add({}, { state: 'running' }),
      fake.jobs.add({}, { state: 'completed' }),
    ];
    const body = { job_ids: [running.id, done.id, 'nobody'] };
    const { status, json } = await call('POST', '/jobs/cancel', body);
    assert.equal(status, 200);
    assert.deepEqual(json, {
      ...{ message: 'jobs cancelled successfully', count: 1, cancelled: [running.id] },
      failed: [done.id, 'nobody'],
      errors: {
        [done.id]: `job ${done.id} is not running`,
        nobody: 'job nobody is not running',
      },
      timestamp: NOW,
    });
  });

  it('cancels by status, and by both: the example of the document', async () => {
    const { call, fake } = injectMigration();
    const first = fake.jobs.add({}, { state: 'running' });
    const second = fake.jobs.add({}, { state: 'running' });
    const both = { job_ids: [first.id], status: 'running' };
    assert.equal((await call('POST', '/jobs/cancel', both)).json['count'], 1);
    const { json } = await call('POST', '/jobs/cancel', { status: 'running' });
    assert.deepEqual(json['cancelled'], [second.id]);
    const none = await call('POST', '/jobs/cancel', { status: 'running' });
    assert.deepEqual([none.json['count'], none.json['message']], [0, 'no jobs were cancelled']);
  });

  it('never means all by saying nothing', async () => {
    const { call, fake } = injectMigration();
    const { id } = fake.jobs.add({}, { state: 'running' });
    for (const body of [undefined, {}, { job_ids: [] }, { jobs: [id] }]) {
      assert.equal((await call('POST', '/jobs/cancel', body)).status, 400);
    }
    assert.equal(fake.jobs.all.get(id)?.state, 'running');
  });
});

describe('what else can be done with a job', () => {
  it('is to try it again, clean up after it, and forget it', async () => {
    const { call, fake } = injectMigration();
    const { id } = fake.jobs.add({}, { state: 'failed' });
    const retried = await call('POST', `/jobs/${id}/retry`);
    assert.partialDeepStrictEqual(retried.json, { job_id: id, job: { status: 'pending' } });
    const cleaned = await call('POST', `/jobs/${id}/clean`);
    assert.deepEqual(cleaned.json['removed'], ['disk-0.qcow2']);
    assert.equal((await call('DELETE', `/jobs/${id}`)).status, 200);
    assert.equal((await call('DELETE', `/jobs/${id}`)).status, 404);
  });

  it('is refused where its state does not allow it', async () => {
    const { call, fake } = injectMigration();
    const { id } = fake.jobs.add({}, { state: 'completed' });
    assert.equal((await call('POST', `/jobs/${id}/retry`)).status, 412);
  });

  it('is to limit its bandwidth', async () => {
    const { call, fake } = injectMigration();
    const { id } = fake.jobs.add({}, { state: 'running' });
    const { status, json } = await call('PATCH', `/jobs/${id}`, { bandwidth_limit: 1048576 });
    assert.equal(status, 200);
    assert.deepEqual(json['controls'], { bandwidth_limit: 1048576 });
    const lifted = await call('PATCH', `/jobs/${id}`, { bandwidth_limit: null });
    assert.deepEqual(lifted.json['controls'], {});
    const wrong = await call('PATCH', `/jobs/${id}`, { bandwidth: 1 });
    assert.equal(wrong.status, 400);
  });

  it('is to read what became of it and what it said, from a line on', async () => {
    const { call, fake } = injectMigration();
    const { id } = fake.jobs.add();
    for (const sequence of [1, 2, 3]) {
      fake.jobs.lines.push({ sequence, at: 0, level: 'info', text: `line ${sequence}` });
      fake.jobs.entries.push({ sequence, at: 0, kind: 'progress', attempt: 1, message: 'on' });
    }
    const events = (await call('GET', `/jobs/${id}/events?limit=2`)).json;
    assert.equal(events['next_after'], 2);
    assert.deepEqual((events['events'] as object[])[0], {
      ...{ sequence: 1, timestamp: '1970-01-01T00:00:00.000Z', event: 'job.progress' },
      ...{ attempt: 1, message: 'on' },
    });
    for (const path of [`/jobs/${id}/logs?after=2`, `/jobs/logs/${id}?after=2`]) {
      const { json } = await call('GET', path);
      assert.deepEqual(json['logs'], [
        { sequence: 3, timestamp: '1970-01-01T00:00:00.000Z', level: 'info', message: 'line 3' },
      ]);
      assert.equal(json['next_after'], 3);
    }
    assert.equal((await call('GET', `/jobs/${id}/logs?limit=0`)).status, 400);
  });

  it('is to ask how far it is, where the original program has that', async () => {
    const { call, fake } = injectMigration();
    const startedAt = fake.clock.nowMs() - 90_000;
    const { id } = fake.jobs.add({}, { state: 'running', startedAt });
    const { json } = await call('GET', `/jobs/progress/${id}`);
    const expected = { job_id: id, status: 'running', elapsed_seconds: 90, percent_complete: 0 };
    assert.partialDeepStrictEqual(json, expected);
  });
});

describe('POST /jobs/preflight', () => {
  it('counts what it found, and says whether the job could start', async () => {
    const finding = { subject: undefined, message: 'it is running', remedy: 'switch it off' };
    const { call } = injectMigration({
      parts: {
        preflight: async () => [
          { code: 'vm-is-running', severity: 'error', ...finding },
          { code: 'has-snapshots', severity: 'warning', ...finding, subject: 'Hard disk 1' },
        ],
      },
    });
    const { status, json } = await call('POST', '/jobs/preflight', LEAST_JOB);
    assert.equal(status, 200);
    assert.deepEqual([json['ok'], json['errors'], json['warning_count']], [false, 1, 1]);
    assert.deepEqual((json['findings'] as object[])[0], {
      ...{ code: 'vm-is-running', severity: 'error', subject: null },
      ...{ message: 'it is running', remedy: 'switch it off' },
    });
  });

  it('says that a login was refused, and not that the caller is a stranger', async () => {
    const refused = new DroverError('unauthenticated', 'vCenter refused the password');
    const { call } = injectMigration({ parts: { preflight: () => Promise.reject(refused) } });
    const { status, json } = await call('POST', '/jobs/preflight', LEAST_JOB);
    assert.deepEqual([status, json['error']], [400, 'vCenter refused the password']);
  });
});

describe('a method that a path does not answer', () => {
  const wrong = [
    ['GET', '/jobs/submit', 'POST'],
    ['GET', '/jobs/cancel', 'POST'],
    ['GET', '/jobs/preflight', 'POST'],
    ['DELETE', '/jobs/query', 'GET, HEAD, POST'],
    ['PUT', '/jobs/query', 'GET, HEAD, PATCH, DELETE, POST'],
    ['POST', '/status', 'GET, HEAD'],
    ['PUT', '/jobs/1', 'DELETE, GET, HEAD, PATCH'],
  ] as const;
  for (const [method, url, allow] of wrong) {
    it(`is 405 as JSON: ${method} ${url}`, async () => {
      const { call } = injectMigration();
      const { status, json, headers } = await call(method, url);
      assert.equal(status, 405);
      assert.match(String(json['error']), new RegExp(`does not answer ${method}; it answers `));
      for (const each of String(headers['allow']).split(', ')) assert.ok(allow.includes(each));
    });
  }
});
