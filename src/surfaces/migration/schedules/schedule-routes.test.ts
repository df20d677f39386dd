import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { injectMigration } from '#test/migration-fixture.ts';

const NOW = '2026-01-17T10:30:00.000Z';
const TEMPLATE = {
  vm_path: 'Datacenter/vm/production/web-server-1',
  source: { type: 'vsphere', vcenter_url: 'vc.test', username: 'u', password: 's3cr3t' },
  destination: { type: 'kvm' },
};
/** The example of the document. */
const DOCUMENTED = {
  ...{ id: 'daily-backup', name: 'Daily VM Backup', schedule: '0 2 * * *', enabled: true },
  ...{ description: 'Backup production VMs every night', job_template: TEMPLATE },
};

async function setUp() {
  const api = injectMigration();
  const created = await api.call('POST', '/schedules', DOCUMENTED);
  return { ...api, created };
}

describe('a schedule', () => {
  it('is created, listed and answered as documented, without its password', async () => {
    const { created, call } = await setUp();
    assert.equal(created.status, 201);
    assert.equal(created.json['message'], 'schedule created successfully');
    const one = (await call('GET', '/schedules/daily-backup')).json;
    assert.deepEqual(created.json['schedule'], one);
    assert.partialDeepStrictEqual(one, {
      ...{ id: 'daily-backup', name: 'Daily VM Backup', schedule: '0 2 * * *', enabled: true },
      ...{ last_run: null, next_run: '2026-01-18T02:00:00.000Z', run_count: 0 },
      ...{ timezone: 'UTC', missed: 'once', overlap: 'skip', jitter: 0 },
      job_template: { vm_path: TEMPLATE.vm_path, destination: { type: 'kvm' } },
    });
    const { json } = await call('GET', '/schedules');
    assert.deepEqual(json, { schedules: [one], total: 1, timestamp: NOW });
    assert.doesNotMatch(JSON.stringify(json), /s3cr3t/);
  });

  it('may have its own zone, jitter and policies, and no id', async () => {
    const { call } = injectMigration();
    const body = {
      ...{ schedule: '@daily', timezone: 'Europe/Berlin', jitter: '5m', missed: 'skip' },
      ...{ overlap: 'queue', tags: ['a'], job_template: TEMPLATE, shedule: 'x' },
    };
    const { status, json } = await call('POST', '/schedules', body);
    assert.equal(status, 201);
    assert.partialDeepStrictEqual(json['schedule'], {
      ...{ timezone: 'Europe/Berlin', jitter: 300, missed: 'skip', overlap: 'queue', tags: ['a'] },
      ...{ id: 'made-up', next_run: '2026-01-17T23:00:00.000Z' },
    });
    assert.deepEqual(json['warnings'], ['shedule: is ignored; did you mean schedule?']);
  });

  const refused: readonly (readonly [what: string, changes: object, text: RegExp])[] = [
    ['a bad cron expression', { schedule: '0 25 * * *' }, /: schedule: the hour/],
    ['no cron expression', { schedule: undefined }, /: schedule: is missing/],
    ['no template', { job_template: undefined }, /: job_template: is missing/],
    ['a template without a path', { job_template: {} }, /job_template\.vm_path: is missing/],
    ['an unknown zone', { timezone: 'Mars/Olympus' }, /: timezone: /],
    ['a policy that there is not', { overlap: 'kill' }, /overlap: must be one of skip, queue/],
    ['a jitter of a week', { jitter: 604800 }, /jitter: must be a time/],
    ['the word stats as its id', { id: 'stats' }, /: id: is a word of this API/],
    ['a number as its name', { name: 7 }, /name: must be a text, not 7/],
  ];
  for (const [what, changes, text] of refused) {
    it(`with ${what} is refused by name`, async () => {
      const { call } = injectMigration();
      const { status, json } = await call('POST', '/schedules', { ...DOCUMENTED, ...changes });
      assert.equal(status, 400);
      assert.match(String(json['error']), text);
    });
  }

  it('is told all that is wrong with it at once', async () => {
    const { call } = injectMigration();
    const none = await call('POST', '/schedules', {});
    assert.match(String(none.json['error']), /schedule: is missing.*job_template: is missing/);
    const { json } = await call('POST', '/schedules', {
      ...{ schedule: '61 * * * *', overlap: 'kill', name: ' ' },
      job_template: { vm_path: 7, destination: { type: 'floppy' }, metadata: { a: {} } },
    });
    for (const field of [
      ...[
        'schedule: the minute',
        'overlap: must be',
        'name: must have',
        'job_template.vm_path: must',
      ],
      ...['job_template.destination.type: must be', 'job_template.metadata.a: must be'],
    ]) {
      assert.ok(String(json['error']).includes(field), `${field}\n${String(json['error'])}`);
    }
  });

  it('can be looked at before it is made', async () => {
    const { call, fake } = injectMigration();
    const wanted = { schedule: '0 2 * * *', timezone: 'UTC' };
    const { status, json } = await call('POST', '/schedules/preview', {
      ...{ ...wanted, after: '2026-01-17T10:00:00Z' },
    });
    assert.equal(status, 200);
    assert.partialDeepStrictEqual(json, { ...wanted, next_runs: ['2026-01-18T02:00:00.000Z'] });
    assert.equal(fake.schedules.all.size, 0);
    for (const wrong of [{}, { schedule: '61 * * * *' }, { ...wanted, count: 21 }]) {
      assert.equal((await call('POST', '/schedules/preview', wrong)).status, 400);
    }
  });

  it('whose id is taken is 409', async () => {
    const { call } = await setUp();
    assert.equal((await call('POST', '/schedules', DOCUMENTED)).status, 409);
  });

  it('changes in what is given alone', async () => {
    const { call } = await setUp();
    const body = { name: 'Updated Name', schedule: '0 3 * * *', description: null };
    const { status, json } = await call('PUT', '/schedules/daily-backup', body);
    assert.deepEqual([status, json['message']], [200, 'schedule updated successfully']);
    assert.partialDeepStrictEqual(json['schedule'], {
      ...{ name: 'Updated Name', schedule: '0 3 * * *', enabled: true },
      description: DOCUMENTED.description,
    });
    const off = await call('PUT', '/schedules/daily-backup', { enabled: false });
    assert.partialDeepStrictEqual(off.json['schedule'], { enabled: false, name: 'Updated Name' });
    const bad = await call('PUT', '/schedules/daily-backup', { schedule: 'never' });
    assert.equal(bad.status, 400);
  });

  it('is switched, also twice, and triggered', async () => {
    const { call } = await setUp();
    for (const [word, enabled] of [
      ['disable', false],
      ['disable', false],
      ['enable', true],
    ] as const) {
      const { status, json } = await call('POST', `/schedules/daily-backup/${word}`);
      assert.deepEqual([status, json['message']], [200, `schedule ${word}d successfully`]);
      assert.partialDeepStrictEqual(json['schedule'], { enabled });
    }
    const triggered = await call('POST', '/schedules/daily-backup/trigger');
    assert.partialDeepStrictEqual(triggered.json, {
      ...{ message: 'schedule triggered successfully', job_id: 'run-1' },
    });
    const { json } = await call('GET', '/schedules/daily-backup/runs');
    assert.deepEqual(json['runs'], [triggered.json['run']]);
    assert.deepEqual((json['runs'] as object[])[0], {
      ...{ sequence: 1, schedule_id: 'daily-backup', due_at: NOW, manual: true },
      ...{ status: 'running', job_id: 'run-1', started_at: NOW, ended_at: null, message: null },
    });
    assert.equal(json['next_before'], null);
    const page = await call('GET', '/schedules/daily-backup/runs?limit=1');
    assert.equal(page.json['next_before'], 1);
  });

  it('is deleted, and then there is nothing to do with it', async () => {
    const { call } = await setUp();
    const { json } = await call('DELETE', '/schedules/daily-backup');
    assert.equal(json['message'], 'schedule deleted successfully');
    for (const [method, path] of [
      ...[['GET', ''] as const, ['PUT', ''] as const, ['DELETE', ''] as const],
      ...[['POST', '/enable'] as const, ['POST', '/disable'] as const],
      ...[['POST', '/trigger'] as const, ['GET', '/runs'] as const],
    ]) {
      const body = method === 'PUT' ? {} : undefined;
      const { status } = await call(method, `/schedules/daily-backup${path}`, body);
      assert.equal(status, 404, `${method} ${path}`);
    }
  });
});

describe('GET /schedules/stats', () => {
  it('has the documented numbers', async () => {
    const { call } = await setUp();
    const { json } = await call('GET', '/schedules/stats');
    assert.deepEqual(json, {
      ...{ total_schedules: 1, enabled_schedules: 1, disabled_schedules: 0 },
      ...{ total_runs: 150, successful_runs: 145, failed_runs: 5 },
      ...{ next_running: null, timestamp: NOW },
    });
  });
});
