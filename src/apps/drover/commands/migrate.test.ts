import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { FakeTerminal } from '#apps/drover/fake-terminal.ts';
import type { Job, JobProgress } from '#jobs/job.ts';
import { GIB, MIB } from '#kernel/units.ts';
import type { Finding } from '#transfers/finding.ts';
import { readSpec } from '#transfers/migration-spec.ts';
import { openMigrationCommands } from '#test/migration-command.ts';
import { until } from '#test/until.ts';

const LEAST = ['migrate', 'DC0/vm/web', '--from', 'lab', '--to', 'kvm'];

function progress(doneBytes: number, stage = 'transfer'): JobProgress {
  return {
    ...{ stage, percent: (doneBytes / GIB) * 100, doneBytes, totalBytes: GIB },
    ...{ bytesPerSecond: 64 * MIB, secondsLeft: 12, message: undefined },
    parts: [{ name: 'Hard disk 1', doneBytes, totalBytes: GIB }],
  };
}

type Commands = Awaited<ReturnType<typeof openMigrationCommands>>;

/** The one that was submitted, and what moves it on until the command has seen that. */
async function submitted({ fake }: Commands) {
  const job = await until(() => [...fake.jobs.all.values()][0], 'the job');
  return {
    id: job.id,
    async becomes(changes: Partial<Job>) {
      fake.jobs.set(job.id, changes);
      await until(() => (fake.clock.pendingTimers > 0 ? true : undefined), 'the pause');
      await fake.clock.advance(500);
    },
  };
}

describe('drover migrate', () => {
  it('takes a destination that there can be, and every priority', async () => {
    await using commands = await openMigrationCommands();
    const from = ['migrate', 'DC0/vm/web', '--from', 'lab'];
    const bogus = await commands.drover(...from, '--to', 'bogus:x');
    assert.equal(bogus.exitCode, 2, bogus.notes);
    assert.equal(commands.fake.jobs.all.size, 0);
    const low = await commands.drover(...from, '--to', 'kvm:qemu:///system', '--priority=-100');
    assert.equal(low.exitCode, 0, low.notes);
    assert.equal([...commands.fake.jobs.all.values()][0]?.priority, -100);
    const lower = await commands.drover(...from, '--to', 'kvm:qemu:///system', '--priority=-101');
    assert.equal(lower.exitCode, 2);
    const none = await commands.drover('vsphere', 'info', 'nope', '--from', 'lab');
    assert.match(none.notes, /see drover vsphere ls/);
  });

  it('submits a job with all that was said of it, and prints its id', async () => {
    await using commands = await openMigrationCommands();
    const { exitCode, out, notes } = await commands.drover(
      ...['migrate', 'DC0/vm/web', '--from', 'lab', '--to', 'kvm:qemu+ssh://root@kvm-1/system'],
      ...['--map', 'VM=Net=br0', '--map', 'DMZ=br1', '--storage-map', 'ds1=fast', '--pool', 'vms'],
      ...['--method', 'datastore', '--format', 'raw', '--power', 'shutdown', '--name', 'web-1'],
      ...['--mac', 'new', '--no-start', '--no-verify', '--boot-timeout', '90s', '--remove-cdrom'],
      ...['--shutdown-timeout', '2m', '--parallel-disks', '4', '--priority', '7', '--compress'],
      ...['--bandwidth', '50MiB'],
    );
    assert.equal(exitCode, 0, notes);
    const [job = assert.fail('there is no job')] = commands.fake.jobs.all.values();
    assert.equal(out, `${job.id}\n`);
    assert.equal(notes, `follow it with: drover jobs watch ${job.id}\n`);
    assert.deepEqual([job.subject, job.priority], ['DC0/vm/web', 7]);
    const { source, destination, options } = readSpec(job);
    assert.equal(options.bandwidthLimit, 50 * MIB);
    assert.deepEqual(source, { kind: 'vsphere', connection: 'lab' });
    assert.partialDeepStrictEqual(destination, {
      ...{ kind: 'kvm', uri: 'qemu+ssh://root@kvm-1/system', pool: 'vms' },
    });
    assert.partialDeepStrictEqual(options, {
      networkMapping: { 'VM=Net': 'br0', DMZ: 'br1' },
      storageMapping: { ds1: 'fast' },
      ...{ transport: 'datastore', format: 'raw', isCompressed: true, power: 'shutdown' },
      ...{ targetName: 'web-1', mac: 'new', starts: false, verifies: false },
      ...{ bootTimeoutMs: 90_000, removesCdroms: true, shutdownTimeoutMs: 120_000 },
      ...{ parallelDisks: 4, isDryRun: false },
    });
  });

  it('takes files on both sides', async () => {
    await using commands = await openMigrationCommands();
    const argv = ['migrate', 'web', '--from', 'file:/srv/ova', '--to', 'file:///srv/out'];
    assert.equal((await commands.drover(...argv)).exitCode, 0);
    const [job = assert.fail('there is no job')] = commands.fake.jobs.all.values();
    const { source, destination } = readSpec(job);
    assert.deepEqual(source, { kind: 'file', path: '/srv/ova' });
    assert.deepEqual(destination, { kind: 'file', directory: '/srv/out' });
  });

  it('hands a VM to a customer of this server', async () => {
    await using commands = await openMigrationCommands();
    const argv = ['migrate', 'DC0/vm/web', '--from', 'lab', '--to', 'drover:acme'];
    const run = await commands.drover(...argv, '--ready-text', 'login:', '--prepare', 'never');
    assert.equal(run.exitCode, 0, run.notes);
    const [job = assert.fail('there is no job')] = commands.fake.jobs.all.values();
    const { destination, options } = readSpec(job);
    assert.partialDeepStrictEqual(destination, { kind: 'drover', customerId: 'acme' });
    assert.equal(options.prepare, 'never');
  });

  it('hands a VM to a customer of another Drover, its token from a file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'drover-migrate-'));
    await using _ = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
    const file = join(directory, 'token');
    await writeFile(file, 'drover_t0ken\n');
    await using commands = await openMigrationCommands();
    const to = ['--to', 'drover:acme', '--to-url', 'two.example.com:8443', '--to-insecure'];
    const run = await commands.drover(
      ...['migrate', 'DC0/vm/web', '--from', 'lab', ...to, '--to-token-file', file],
    );
    assert.equal(run.exitCode, 0, run.notes);
    const [request = assert.fail('there is no job')] = commands.fake.jobs.requests;
    assert.deepEqual(request.secrets, { token: 'drover_t0ken' });
    assert.partialDeepStrictEqual(readSpec(request).destination, {
      ...{ kind: 'drover', customerId: 'acme' },
      remote: { url: 'https://two.example.com:8443', trust: { isInsecure: true } },
    });
    assert.doesNotMatch(run.out + run.notes, /t0ken/);
  });

  it('sends a login with an address, its password from a file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'drover-migrate-'));
    await using _ = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
    const file = join(directory, 'password');
    await writeFile(file, 's3cret of vc\n');
    await using commands = await openMigrationCommands();
    const from = ['--from', 'https://vcenter.example.com', '--username', 'ada', '--insecure'];
    const run = await commands.drover(
      ...['migrate', 'DC0/vm/web', '--to', 'kvm', ...from, '--password-file', file],
    );
    assert.equal(run.exitCode, 0, run.notes);
    const [request] = commands.fake.jobs.requests;
    assert.deepEqual(request?.secrets, { password: 's3cret of vc' });
    assert.doesNotMatch(run.out + run.notes, /s3cret/);
  });

  for (const [what, argv, problem] of [
    ['a target that is none', ['--from', 'lab', '--to', 'somewhere'], /--to: must be kvm:URI/],
    ['no target at all', ['--from', 'lab'], /--to: is missing; it must be kvm:URI/],
    ['a pool for files', ['--to', 'file:/srv', '--pool', 'x'], /--pool: goes with kvm, not file/],
    ['a URL for libvirt', ['--to', 'kvm', '--to-url', 'x'], /--to-url: goes with drover/],
    [
      'a token for nobody',
      ['--to', 'drover:a', '--to-token-file', 'x'],
      /--to-token-file: goes with --to-url/,
    ],
    ['half a mapping', ['--to', 'kvm', '--map', 'VM Network'], /--map: must be SOURCE=TARGET/],
    [
      'an address without a user',
      ['--to', 'kvm', '--from', 'https://vc'],
      /--username: is missing/,
    ],
    [
      'a user of a connection',
      ['--to', 'kvm', '--from', 'lab', '--username', 'ada'],
      /--username: goes with an address such as .*, not with lab/,
    ],
    [
      'a password that nobody can be asked for',
      ['--to', 'kvm', '--from', 'https://vc', '--username', 'ada'],
      /--password-file: is missing: nobody can be asked/,
    ],
    [
      'a bandwidth without unit',
      ['--to', 'kvm', '--bandwidth', '5'],
      /--bandwidth: must be a rate from 64KiB/,
    ],
  ] as const) {
    it(`refuses ${what} before anything is sent`, async () => {
      await using commands = await openMigrationCommands();
      const { exitCode, notes } = await commands.drover('migrate', 'DC0/vm/web', ...argv);
      assert.equal(exitCode, 2, notes);
      assert.match(notes, problem);
      assert.equal(commands.fake.jobs.requests.length, 0);
    });
  }

  it('shows with --dry-run what stands in the way, and fails if something does', async () => {
    const findings: readonly Finding[] = [
      {
        ...{ code: 'network-not-mapped', severity: 'error', subject: 'VM Network' },
        ...{ message: 'it goes nowhere', remedy: 'map it' },
      },
      {
        ...{ code: 'drivers', severity: 'warning', subject: undefined },
        ...{ message: 'it has no virtio', remedy: undefined },
      },
    ];
    await using commands = await openMigrationCommands({
      parts: { preflight: async (body) => (JSON.stringify(body).includes('br0') ? [] : findings) },
    });
    const { exitCode, out, notes } = await commands.drover(...LEAST, '--dry-run');
    assert.equal(exitCode, 6);
    assert.equal(
      out,
      [
        'SEVERITY  ABOUT       FINDING',
        'error     VM Network  it goes nowhere: map it',
        'warning   -           it has no virtio',
        '',
      ].join('\n'),
    );
    assert.match(notes, /it cannot be moved so: 1 error to put right first/);
    const right = await commands.drover(...LEAST, '--dry-run', '--map', 'VM Network=br0');
    assert.deepEqual([right.exitCode, right.notes], [0, 'nothing stands in the way\n']);
    assert.equal(commands.fake.jobs.requests.length, 0);
  });
});

describe('drover migrate --watch', () => {
  it('prints a line for each stage and tenth, then what came of it', async () => {
    await using commands = await openMigrationCommands();
    const run = commands.start([...LEAST, '--watch']);
    const job = await submitted(commands);
    await run.terminal.shows('pending');
    await job.becomes({ state: 'running', attempt: 1, progress: progress(0, 'discover') });
    await run.terminal.shows('discover');
    await job.becomes({ progress: progress(GIB / 2) });
    await run.terminal.shows('transfer');
    await job.becomes({ progress: progress(GIB / 2 + MIB) });
    await job.becomes({
      ...{ state: 'completed', progress: progress(GIB, 'done') },
      result: { target_name: 'web', total_bytes: GIB, disk_digests: { 2000: 'abc' }, warnings: [] },
    });
    assert.equal(await run.exitCode, 0, run.terminal.notes);
    assert.equal(
      run.terminal.out,
      [
        job.id,
        'pending',
        'discover 0.0 %, 0 B of 1 GiB, 64 MiB/s, 12s left',
        'transfer 50.0 %, 512 MiB of 1 GiB, 64 MiB/s, 12s left',
        'completed',
        'target name        web',
        'total              1 GiB',
        'disk digests 2000  abc',
        '',
      ].join('\n'),
    );
  });

  it('draws on a terminal, over what it drew before', async () => {
    await using commands = await openMigrationCommands();
    const terminal = new FakeTerminal({ isTty: true });
    const run = commands.start([...LEAST, '--watch'], { terminal });
    const job = await submitted(commands);
    await terminal.shows('pending');
    await job.becomes({ state: 'running', attempt: 1, progress: progress(0) });
    await terminal.shows('  0.0 %');
    await job.becomes({ progress: progress(GIB / 4) });
    await terminal.shows(' 25.0 %');
    await job.becomes({ progress: progress(GIB / 2) });
    await terminal.shows(' 50.0 %  512 MiB of 1 GiB  512 MiB/s');
    await job.becomes({ state: 'completed', progress: progress(GIB, 'done') });
    assert.equal(await run.exitCode, 0, terminal.notes);
    // Three lines of the frame before: the title, the disk, all of it.
    assert.match(terminal.out, /\u001B\[3A[^\n]*: transfer/);
    assert.match(terminal.out, /Hard disk 1  █{24}  100\.0 %/);
    assert.equal(terminal.out.split('\u001B[?7l').length, terminal.out.split('\u001B[?7h').length);
  });

  it('fails with a job that fails, and says what can be done', async () => {
    await using commands = await openMigrationCommands();
    const run = commands.start([...LEAST, '--watch']);
    const job = await submitted(commands);
    await run.terminal.shows('pending');
    const error = {
      kind: 'resource_exhausted',
      reason: 'FULL',
      message: 'the pool is full',
    } as const;
    await job.becomes({ state: 'failed', error });
    assert.equal(await run.exitCode, 6);
    assert.match(run.terminal.out, /\nfailed: the pool is full\n$/);
    assert.match(
      run.terminal.notes,
      /^drover: job \S+ failed: the pool is full\n  see drover jobs /,
    );
    assert.match(run.terminal.notes, new RegExp(`drover jobs clean ${job.id}\n$`));
  });

  it('fails with a job that was cancelled', async () => {
    await using commands = await openMigrationCommands();
    const run = commands.start([...LEAST, '-w', '--json']);
    const job = await submitted(commands);
    await run.terminal.shows('"pending"');
    await job.becomes({ state: 'cancelled' });
    assert.equal(await run.exitCode, 6);
    const states = run.terminal.out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { status: string }).status);
    assert.deepEqual(states, ['pending', 'cancelled']);
    assert.match(run.terminal.notes, /"reason":"JOB_CANCELLED"/);
  });

  it('leaves the job at its work at Ctrl-C, and says how to stop it', async () => {
    await using commands = await openMigrationCommands();
    const run = commands.start([...LEAST, '--watch']);
    const { id } = await submitted(commands);
    await run.terminal.shows('pending');
    run.stop.abort();
    assert.equal(await run.exitCode, 130);
    assert.match(run.terminal.notes, new RegExp(`stop it with: drover jobs cancel ${id}\n$`));
    assert.equal(commands.fake.jobs.all.get(id)?.state, 'pending');
  });
});
