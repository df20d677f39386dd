/** The API document of migrations, example by example, with curl against the whole server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { openVSphere, type VSphereFixture } from '#test/vsphere/open-vsphere.ts';
import { openReceiver, type WebhookReceiver } from '#test/webhook-receiver.ts';

const run = promisify(execFile);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const VM_PATH = 'DC0/vm/production/web-server-1';

type Json = Readonly<Record<string, unknown>>;

const owned = new AsyncDisposableStack();
let vsphere: VSphereFixture;
let receiver: WebhookReceiver;
let server: TestServer;
before(async () => {
  receiver = owned.use(await openReceiver());
  vsphere = owned.use(
    await openVSphere({
      vms: ['1', '2', '3'].map((at) => ({
        ...{ name: `web-server-${at}`, folder: 'production', cpus: 4, memoryMib: 8192 },
        ...{ poweredOn: at !== '3', ipAddress: '192.168.1.10', guestOs: 'Ubuntu Linux (64-bit)' },
        ...{ cdroms: at === '3' ? 2 : 0, disks: [] },
      })),
    }),
  );
  server = owned.use(
    await openTestServer({
      config: { listeners: [{ surface: 'migration', port: 0 }] },
    }),
  );
});
after(() => owned.disposeAsync());

/** As the document writes it: `curl -X METHOD URL -H … -d …`. */
async function curl(method: string, path: string, body?: object) {
  const { stdout } = await run('curl', [
    ...['--silent', '--show-error', '--max-time', '20', '--write-out', '\n%{http_code}'],
    ...['-X', method, `${server.url}${path}`],
    ...(body === undefined
      ? []
      : ['-H', 'Content-Type: application/json', '-d', JSON.stringify(body)]),
  ]);
  const end = stdout.lastIndexOf('\n');
  const text = stdout.slice(0, end);
  const json = text.startsWith('{') ? (JSON.parse(text) as Json) : {};
  return { status: Number(stdout.slice(end + 1)), text, json };
}

function login(): Readonly<Record<string, string>> {
  const { url, username, password } = vsphere.login;
  return { vcenter_url: url, username, password, thumbprint: vsphere.thumbprint };
}

/** As in the document, but for the vCenter: there nobody answers, so that jobs stay as they are. */
const SOURCE = {
  ...{ type: 'vsphere', vcenter_url: '127.0.0.1:9', username: 'admin@vsphere.local' },
  ...{ password: 'password', datacenter: 'Datacenter' },
};
const JOB = {
  vm_path: 'Datacenter/vm/production/web-server-1',
  source: SOURCE,
  destination: { type: 'kvm', libvirt_uri: 'qemu+ssh://user@host/system' },
  options: { conversion_method: 'vddk', network_mapping: { 'VM Network': 'br0' } },
};
const TEMPLATE = { vm_path: JOB.vm_path, source: SOURCE, destination: JOB.destination };

function assertKeys(json: Json, ...names: readonly string[]): void {
  const missing = names.filter((name) => !(name in json));
  assert.deepEqual(missing, [], JSON.stringify(json));
}

describe('health and status', () => {
  it('GET /health is one word, where the surface has a port of its own', async () => {
    const [alone] = server.server.listeners;
    const answer = await fetch(`${alone?.url}/health`);
    assert.deepEqual([answer.status, await answer.json()], [200, { status: 'ok' }]);
  });

  it('GET /status counts jobs and workers', async () => {
    const { status, json } = await curl('GET', '/status');
    assert.equal(status, 200);
    for (const name of [
      ...['total_jobs', 'running_jobs', 'completed_jobs', 'failed_jobs'],
      ...['worker_count', 'active_workers'],
    ]) {
      assert.equal(typeof json[name], 'number', name);
    }
  });

  it('GET /metrics has the documented names', async () => {
    const { text } = await curl('GET', '/metrics');
    for (const line of [
      '# TYPE hypersdk_api_requests_total counter',
      '# TYPE hypersdk_api_request_duration_seconds histogram',
      '# TYPE hypersdk_jobs_total gauge',
      '# TYPE hypersdk_workers_active gauge',
      '# TYPE hypersdk_build_info gauge',
    ]) {
      assert.ok(text.includes(`${line}\n`), line);
    }
    const counted = 'hypersdk_api_requests_total{method="GET",path="/status",status="OK"}';
    assert.ok(text.includes(counted), counted);
    assert.match(text, /^hypersdk_jobs_total\{status="running"\} \d+$/m);
  });
});

describe('jobs', () => {
  let id: string;
  before(async () => {
    const { status, json } = await curl('POST', '/jobs/submit', JOB);
    assert.equal(status, 201);
    assert.match(String(json['job_id']), UUID);
    assert.equal(json['message'], 'job submitted successfully');
    id = String(json['job_id']);
  });

  it('POST /jobs/submit says what is wrong with a body', async () => {
    const { status, json } = await curl('POST', '/jobs/submit', { source: SOURCE });
    assert.equal(status, 400);
    assert.match(String(json['error']), /vm_path/);
  });

  it('GET /jobs/{id} shows the job, and never its password', async () => {
    const { status, json, text } = await curl('GET', `/jobs/${id}`);
    assert.equal(status, 200);
    assertKeys(json, 'definition', 'status', 'progress');
    const definition = json['definition'] as Json;
    assert.deepEqual([definition['id'], definition['vm_path']], [id, JOB.vm_path]);
    assertKeys(json['progress'] as Json, 'stage', 'percent_complete');
    assert.ok(!text.includes('"password"'), text);
  });

  it('GET /jobs/{id} of nobody is 404, another method 405', async () => {
    const { status, json } = await curl('GET', '/jobs/550e8400-e29b-41d4-a716-446655440000');
    assert.equal(status, 404);
    assert.equal(typeof json['error'], 'string');
    assert.equal((await curl('PUT', '/jobs/query', {})).status, 405);
  });

  it('POST /jobs/query finds it', async () => {
    const { status, json } = await curl('POST', '/jobs/query', { all: true });
    assert.equal(status, 200);
    const jobs = json['jobs'] as Json[];
    assert.equal(json['total'], jobs.length);
    const job = jobs.find(({ definition }) => (definition as Json)['id'] === id);
    assert.ok(job);
    assertKeys(job, 'definition', 'status', 'progress', 'started_at', 'error');
    const progress = job['progress'] as Json;
    assertKeys(progress, 'stage', 'percent_complete', 'current_bytes', 'total_bytes');
  });

  it('POST /jobs/query with all three filters of the example', async () => {
    const { status, json } = await curl('POST', '/jobs/query', {
      ...{ all: true, status: 'running', limit: 10 },
    });
    assert.equal(status, 200);
    assert.ok(Array.isArray(json['jobs']));
    assert.equal((await curl('POST', '/jobs/query', { limit: 'many' })).status, 400);
  });

  it('POST /jobs/cancel takes ids', async () => {
    const { json: submitted } = await curl('POST', '/jobs/submit', JOB);
    const body = { job_ids: [submitted['job_id']] };
    const { status, json } = await curl('POST', '/jobs/cancel', body);
    assert.equal(status, 200);
    assert.deepEqual([json['message'], json['count']], ['jobs cancelled successfully', 1]);
    assert.equal((await curl('POST', '/jobs/cancel', {})).status, 400);
  });
});

describe('schedules', () => {
  const SCHEDULE = {
    ...{ id: 'daily-backup', name: 'Daily VM Backup', schedule: '0 2 * * *', enabled: true },
    ...{ description: 'Backup production VMs every night', job_template: TEMPLATE },
  };

  it('go through their whole life', async () => {
    const created = await curl('POST', '/schedules', SCHEDULE);
    assert.equal(created.status, 201);
    assert.equal(created.json['message'], 'schedule created successfully');
    assert.equal((created.json['schedule'] as Json)['id'], 'daily-backup');

    const all = await curl('GET', '/schedules');
    assert.deepEqual([all.status, all.json['total']], [200, 1]);
    assert.match(String(all.json['timestamp']), ISO);
    const [listed] = all.json['schedules'] as Json[];
    assertKeys(
      listed ?? {},
      ...['id', 'name', 'schedule', 'enabled', 'job_template'],
      ...['last_run', 'next_run', 'run_count'],
    );

    const changed = { name: 'Updated Name', schedule: '0 3 * * *', enabled: true };
    const answers: readonly (readonly [string, string, string, object?])[] = [
      ['PUT', '/schedules/daily-backup', 'schedule updated successfully', changed],
      ['POST', '/schedules/daily-backup/disable', 'schedule disabled successfully'],
      ['POST', '/schedules/daily-backup/enable', 'schedule enabled successfully'],
      ['POST', '/schedules/daily-backup/trigger', 'schedule triggered successfully'],
    ];
    for (const [method, path, message, body] of answers) {
      const { status, json } = await curl(method, path, body);
      assert.deepEqual([status, json['message']], [200, message]);
    }

    const { json: one } = await curl('GET', '/schedules/daily-backup');
    assert.deepEqual([one['name'], one['schedule'], one['enabled']], Object.values(changed));
    assert.match(String(one['next_run']), ISO);

    const { json: stats } = await curl('GET', '/schedules/stats');
    assert.deepEqual(
      ['total_schedules', 'enabled_schedules', 'disabled_schedules', 'total_runs'].map(
        (name) => stats[name],
      ),
      [1, 1, 0, 1],
    );
    assertKeys(stats, 'successful_runs', 'failed_runs');

    const gone = await curl('DELETE', '/schedules/daily-backup');
    assert.deepEqual([gone.status, gone.json['message']], [200, 'schedule deleted successfully']);
    assert.equal((await curl('GET', '/schedules/daily-backup')).status, 404);
  });

  it('with the example of curl, which has no name', async () => {
    const body = { id: 'nightly-backup', schedule: '0 2 * * *', job_template: TEMPLATE };
    assert.equal((await curl('POST', '/schedules', body)).status, 201);
    assert.equal((await curl('DELETE', '/schedules/nightly-backup')).status, 200);
  });

  it('of every documented format, and of no other', async () => {
    for (const schedule of ['0 2 * * *', '*/15 * * * *', '0 0 * * 0']) {
      const body = { id: 'formats', schedule, job_template: TEMPLATE };
      assert.equal((await curl('POST', '/schedules', body)).status, 201, schedule);
      await curl('DELETE', '/schedules/formats');
    }
    const bad = { id: 'formats', schedule: '61 2 * * *', job_template: TEMPLATE };
    const { status, json } = await curl('POST', '/schedules', bad);
    assert.equal(status, 400);
    assert.match(String(json['error']), /: schedule: the minute must be/);
  });
});

describe('webhooks', () => {
  it('go through their whole life, by index', async () => {
    const added = await curl('POST', '/webhooks', {
      ...{ url: `${receiver.url}/notify`, events: ['job.completed', 'job.failed'] },
      ...{ enabled: true, timeout: 30, retry_count: 3 },
      headers: { Authorization: 'Bearer token123' },
    });
    assert.equal(added.status, 201);
    assert.equal(added.json['message'], 'webhook added successfully');
    assertKeys(added.json, 'webhook');
    assert.ok(!added.text.includes('token123'));

    const { json: all } = await curl('GET', '/webhooks');
    assert.equal(all['total'], 1);
    assert.match(String(all['timestamp']), ISO);
    const [webhook] = all['webhooks'] as Json[];
    assert.deepEqual(
      ['url', 'events', 'enabled', 'timeout', 'retry_count'].map((name) => webhook?.[name]),
      [`${receiver.url}/notify`, ['job.completed', 'job.failed'], true, 30, 3],
    );

    const gone = await curl('DELETE', '/webhooks/0');
    assert.deepEqual([gone.status, gone.json['message']], [200, 'webhook deleted successfully']);
    assert.equal((await curl('DELETE', '/webhooks/0')).status, 404);
  });

  it('POST /webhooks/test tells what truly became of it', async () => {
    const body = { url: `${receiver.url}/test`, event: 'test' };
    const { status, json } = await curl('POST', '/webhooks/test', body);
    assert.deepEqual([status, json['message']], [200, 'test webhook sent']);
    const got = await receiver.next();
    assert.equal((JSON.parse(got.body.toString()) as Json)['event'], 'test');
  });
});

describe('VMs', () => {
  const vmBody = (name: string) => ({ ...login(), vm_path: `DC0/vm/production/${name}` });

  it('GET /vms/list with the login in the query', async () => {
    const query = new URLSearchParams({ ...login(), datacenter: 'DC0' });
    const { status, json } = await curl('GET', `/vms/list?${query.toString()}`);
    assert.equal(status, 200);
    const vms = json['vms'] as Json[];
    assert.equal(json['total'], vms.length);
    const vm = vms.find(({ name }) => name === 'web-server-1');
    const { storage, ...others } = vm ?? {};
    assert.equal(typeof storage, 'number');
    const expected = {
      ...{ name: 'web-server-1', path: VM_PATH, power_state: 'poweredOn', num_cpu: 4 },
      ...{ memory_mb: 8192, guest_os: 'Ubuntu Linux (64-bit)', ip_address: '192.168.1.10' },
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(others[name], value, name);
  });

  it('GET /vms/info of one of them', async () => {
    const query = new URLSearchParams(vmBody('web-server-1'));
    const { status, json } = await curl('GET', `/vms/info?${query.toString()}`);
    assert.equal(status, 200);
    assert.deepEqual([json['name'], json['path']], ['web-server-1', VM_PATH]);
    assert.match(String(json['uuid']), UUID);
    const hardware = json['hardware'] as Json;
    assert.deepEqual(
      ['num_cpu', 'memory_mb', 'num_virtual_disks'].map((name) => hardware[name]),
      [4, 8192, 0],
    );
    assert.deepEqual(json['disks'], []);
  });

  it('POST /vms/shutdown, /vms/poweroff and /vms/remove-cdrom', async () => {
    for (const [path, name, message] of [
      ['/vms/shutdown', 'web-server-1', 'VM shutdown initiated'],
      ['/vms/poweroff', 'web-server-2', 'VM powered off'],
      ['/vms/remove-cdrom', 'web-server-3', 'CD-ROM devices removed'],
    ] as const) {
      const { status, json } = await curl('POST', path, vmBody(name));
      assert.deepEqual([status, json['message']], [200, message]);
    }
    const query = new URLSearchParams(vmBody('web-server-2'));
    assert.equal(
      (await curl('GET', `/vms/info?${query.toString()}`)).json['power_state'],
      'poweredOff',
    );
  });

  it('with a login that is wrong is a bad request, without the password', async () => {
    const query = new URLSearchParams({ ...login(), password: 'guessed-wrong' });
    const { status, text } = await curl('GET', `/vms/list?${query.toString()}`);
    assert.equal(status, 400);
    assert.ok(!text.includes('guessed-wrong'));
  });
});
