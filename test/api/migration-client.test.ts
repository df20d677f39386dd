/** MigrationClient of the package @drover/client against the surface, and the README's examples. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Authenticator } from '#access/authenticator.ts';
import { MigrationClient, type Job } from '#clients/ts/src/client.ts';
import { WEB_SERVER } from '#test/fake-vsphere.ts';
import { openMigration, type OpenMigration } from '#test/migration-fixture.ts';
import { until } from '#test/until.ts';

const CLIENTS = join(import.meta.dirname, '../../clients/ts');
const JOB = { vm_path: 'DC0/vm/a', destination: { type: 'kvm' } } as const;
const run = promisify(execFile);

/** Completes every job that is asked for once. */
function completeJobs({ fake: { jobs } }: OpenMigration): void {
  const get = jobs.get.bind(jobs);
  jobs.get = async (id) => {
    const job = await get(id);
    jobs.set(id, { state: 'completed' });
    return job;
  };
}

describe('MigrationClient', () => {
  it('submits jobs and follows them to their end', async () => {
    await using server = await openMigration();
    const client = new MigrationClient(server.url);
    const { job_id: id } = await client.submit(JOB);
    completeJobs(server);
    const seen: string[] = [];
    const ended = await client.waitFor(id, {
      pollMs: 1,
      onProgress: ({ status, progress }) => seen.push(`${status} ${progress.percent_complete}`),
    });
    assert.equal(ended.status, 'completed');
    assert.deepEqual(seen, ['pending 0', 'completed 100']);
    const batch = await client.submitAll([JOB, { ...JOB, vm_path: '' }]);
    assert.deepEqual([batch.accepted, batch.rejected], [1, 1]);
  });

  it('reads jobs page by page', async () => {
    await using server = await openMigration();
    const client = new MigrationClient(server.url);
    for (let at = 0; at < 5; at += 1) await client.submit(JOB);
    const ids = [];
    for await (const { definition } of client.allJobs({ limit: 2, order: 'asc' })) {
      ids.push(definition.id);
    }
    assert.deepEqual(ids, [...server.fake.jobs.all.keys()]);
  });

  it('reaches what else there is', async () => {
    await using server = await openMigration();
    const client = new MigrationClient(server.url);
    const { job_id: id } = await client.submit(JOB);
    assert.equal((await client.status()).total_jobs, 1);
    assert.equal((await client.capabilities())['default_method'], 'nfc');
    assert.equal((await client.preflight(JOB)).ok, true);
    assert.deepEqual((await client.cancel(id)).cancelled, [id]);
    assert.equal((await client.retry(id)).job.status, 'pending');
    assert.equal((await client.clean(id)).removed.length, 1);
    assert.equal((await client.limitBandwidth(id, 1_048_576)).definition.id, id);
    assert.deepEqual((await client.logs(id, { after: 3 })).logs, []);
    const nightly = { id: 'nightly', schedule: '0 2 * * *', job_template: JOB };
    assert.equal((await client.createSchedule(nightly)).id, 'nightly');
    assert.equal((await client.changeSchedule('nightly', { enabled: false })).enabled, false);
    assert.equal((await client.triggerSchedule('nightly')).job_id, 'run-1');
    await client.removeSchedule('nightly');
    assert.deepEqual(await client.schedules(), []);
    const login = { vcenter_url: 'vc.test', username: 'u', password: 'p' };
    assert.equal((await client.createConnection({ name: 'lab', ...login })).name, 'lab');
    assert.equal((await client.testConnection('lab')).vms, 12);
    assert.equal((await client.connections()).length, 1);
    const [vm] = await client.vms({ connection: 'lab' });
    assert.equal(vm?.path, WEB_SERVER.path);
    assert.equal((await client.vm(WEB_SERVER.path, login)).uuid, WEB_SERVER.uuid);
    await client.removeConnection('lab');
  });

  it('throws what the server says', async () => {
    await using server = await openMigration();
    const client = new MigrationClient(server.url);
    await assert.rejects(client.job('nobody'), {
      ...{ name: 'DroverApiError', status: 404, kind: 'not_found', reason: 'JOB_NOT_FOUND' },
    });
    await assert.rejects(client.submit({ ...JOB, vm_path: '' }), {
      ...{ status: 400, kind: 'invalid_argument', metadata: { field: 'vm_path' } },
    });
  });

  it('watches, with its token, and comes back after the connection was lost', async () => {
    const access = { authenticator: new Authenticator({ devMode: true }), anonymous: undefined };
    const told: string[] = [];
    const add = (text: string) => void told.push(text);
    const first = await openMigration({ parts: { access } });
    const client = new MigrationClient(first.url, { token: 'dev_operator' });
    const feed = client.watch({
      onStatus: ({ total_jobs: total }) => add(`status ${total}`),
      onJobs: (jobs: Job[]) => add(`jobs ${jobs.length}`),
      onJob: ({ status }) => add(`job ${status}`),
      onLost: () => add('lost'),
    });
    try {
      await until(() => told.includes('jobs 0') || undefined, 'the first messages');
      first.fake.jobs.add({}, { state: 'running' });
      await first.fake.clock.advance(500);
      await until(() => told.includes('job running') || undefined, 'the job');
      await first.listener.drain();
      await until(() => told.includes('lost') || undefined, 'the loss to be noticed');
      await using _second = await openMigration({ parts: { access }, port: first.port });
      told.length = 0;
      await until(() => told.includes('jobs 0') || undefined, 'the connection to come back');
    } finally {
      feed.close();
      await first[Symbol.asyncDispose]();
    }
  });
});

describe('the README of the package', () => {
  it('shows migrations in examples that run and end by themselves', async () => {
    await using server = await openMigration();
    completeJobs(server);
    const readme = await readFile(join(CLIENTS, 'README.md'), 'utf8');
    const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
    const examples = blocks.filter((code) => code.includes('MigrationClient'));
    assert.equal(examples.length, 2);
    const { href } = pathToFileURL(join(CLIENTS, 'src/client.ts'));
    await using directory = await openDirectory();
    const said = await Promise.all(
      examples.map(async (code, at) => {
        const file = join(directory.path, `example-${at}.ts`);
        const here = code.replaceAll('http://localhost:8080', server.url);
        await writeFile(file, here.replaceAll('@drover/client', href));
        return (await run(process.execPath, [file], { timeout: 30_000 })).stdout;
      }),
    );
    assert.match(said[0] ?? '', /^Datacenter\/vm\/production\/web-server-1 poweredOn$/m);
    assert.match(said[0] ?? '', /^0%\n100%\ncompleted null$/m);
  });
});

async function openDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'drover-examples-'));
  await writeFile(join(path, 'package.json'), '{ "type": "module" }');
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
