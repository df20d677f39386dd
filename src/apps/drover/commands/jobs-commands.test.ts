import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Job } from '#jobs/job.ts';
import { DroverError } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import { GIB, MIB } from '#kernel/units.ts';
import { parseMigration } from '#transfers/parse-migration.ts';
import { openMigrationCommands } from '#test/migration-command.ts';
import { until } from '#test/until.ts';

type Commands = Awaited<ReturnType<typeof openMigrationCommands>>;

function addJob({ fake }: Commands, id: string, changes: Partial<Job> = {}) {
  const request = parseMigration({
    ...{ vm_path: `DC0/vm/${id}`, source: { connection: 'lab' } },
    destination: { type: 'kvm', libvirt_uri: 'qemu:///system' },
  });
  return fake.jobs.add({ ...request, id: id as JobId }, changes);
}

const RUNNING: Partial<Job> = {
  ...{ state: 'running', attempt: 1, leasedBy: 'host-1' },
  progress: {
    ...{ stage: 'transfer', percent: 42.5, doneBytes: GIB, totalBytes: 2 * GIB },
    ...{ bytesPerSecond: 64 * MIB, secondsLeft: 75, message: undefined },
    parts: [{ name: 'Hard disk 1', doneBytes: GIB, totalBytes: 2 * GIB }],
  },
};

async function tick({ fake }: Commands): Promise<void> {
  await until(() => (fake.clock.pendingTimers > 0 ? true : undefined), 'the pause');
  await fake.clock.advance(1000);
}

describe('drover jobs list and show', () => {
  it('tell how far each is', async () => {
    await using commands = await openMigrationCommands();
    addJob(commands, 'one');
    addJob(commands, 'two', RUNNING);
    await commands.fake.clock.advance(180_000);
    assert.equal(
      (await commands.drover('jobs', 'list')).out,
      [
        'ID   STATUS   STAGE     DONE  LEFT    AGE  VM',
        'two  running  transfer  42 %  1m 15s  3m   DC0/vm/two',
        'one  pending  -         -     -       3m   DC0/vm/one',
        '',
      ].join('\n'),
    );
    const some = await commands.drover('jobs', 'list', '--status', 'pending', '--limit', '1');
    assert.match(some.out, /^ID.*\none .*\n$/);
    const json = await commands.drover('jobs', 'list', '--vm', 'two', '--json');
    const { jobs, total } = JSON.parse(json.out) as { jobs: { status: string }[]; total: number };
    assert.deepEqual([jobs.map(({ status }) => status), total], [['running'], 1]);
  });

  it('lists page by page with --all, and says that there is more without', async () => {
    await using commands = await openMigrationCommands();
    for (let count = 0; count < 1100; count += 1) commands.fake.jobs.add();
    const first = await commands.drover('jobs', 'list');
    assert.equal(first.notes, '50 of 1100; --all shows the rest, or --after 50\n');
    const all = await commands.drover('jobs', 'list', '--all');
    assert.equal(all.out.split('\n').length, 1100 + 2);
    assert.equal(all.notes, '');
  });

  it('lists in the order that is asked for, and goes on where an earlier page ended', async () => {
    await using commands = await openMigrationCommands();
    for (const [id, priority] of Object.entries({ one: 2, two: 1, three: 3 })) {
      addJob(commands, id, { priority });
    }
    const list = async (...flags: readonly string[]) => {
      const { out, notes } = await commands.drover('jobs', 'list', '--sort', 'priority', ...flags);
      return [out.match(/^(?:one|two|three)/gm) ?? [], notes];
    };
    assert.deepEqual(await list(), [['three', 'one', 'two'], '']);
    const [ids, notes] = await list('--order', 'asc', '--limit', '2');
    assert.deepEqual(ids, ['two', 'one']);
    assert.equal(notes, '2 of 3; --all shows the rest, or --after 2\n');
    assert.deepEqual(await list('--order', 'asc', '--after', '2'), [['three'], '']);
    assert.deepEqual(await list('--offset', '1', '--all'), [['one', 'two'], '']);
    assert.deepEqual(await list('--offset', '9'), [[], '0 of 3\n']);
    assert.deepEqual(await list('--vm', 'four'), [[], 'there are no such jobs\n']);
    const { exitCode, notes: wrong } = await commands.drover('jobs', 'list', '--sort', 'size');
    assert.equal(exitCode, 2);
    assert.match(wrong, /sort: must be one of created_at, updated_at, priority/);
  });

  it('show one with where it goes, its error and its history', async () => {
    await using commands = await openMigrationCommands();
    const error = { kind: 'unavailable', reason: 'X', message: 'cut \u001B[2J off' } as const;
    addJob(commands, 'one', { ...RUNNING, error, controls: { bandwidth_limit: 10 * MIB } });
    commands.fake.jobs.entries.push({
      ...{ sequence: 1, at: Date.UTC(2026, 0, 1), kind: 'submitted', attempt: 0 },
      message: 'by ada',
    });
    const { out } = await commands.drover('jobs', 'show', 'one');
    assert.match(out, /^from +vsphere, connection lab$/m);
    assert.match(out, /^to +kvm, libvirt uri qemu:\/\/\/system$/m);
    assert.match(out, /^disk +Hard disk 1: 1 GiB of 2 GiB$/m);
    assert.match(out, /^error +cut \?\[2J off$/m);
    assert.match(out, /^bandwidth +10 MiB\/s$/m);
    assert.match(out, /\n\n2026-01-01T00:00:00\.000Z {2}job\.submitted {2}by ada\n$/);
    const missing = await commands.drover('jobs', 'show', 'two');
    assert.equal(missing.exitCode, 3);
    assert.equal(missing.notes, 'drover: there is no job two\n  see drover jobs list\n');
  });
});

describe('drover jobs show, of what a job came to', () => {
  const shown = async (result: Job['result']) => {
    await using commands = await openMigrationCommands();
    addJob(commands, 'one', { state: 'completed', result });
    return (await commands.drover('jobs', 'show', 'one')).out;
  };
  const finding = { code: 'x', severity: 'warning', message: 'it has a snapshot' };

  it('tells all that a dry run found, and what to do about it', async () => {
    const error = { code: 'y', severity: 'error', message: 'no room', remedy: 'make some' };
    const out = await shown({ dry_run: true, findings: [finding, error] });
    assert.match(out, /^dry run +yes$/m);
    assert.match(out, /^warning +it has a snapshot\nerror +no room: make some$/m);
  });

  it('is told by whoever watched it as well', async () => {
    await using commands = await openMigrationCommands();
    addJob(commands, 'one', { state: 'completed', result: { findings: [finding] } });
    const { out } = await commands.drover('jobs', 'watch', 'one');
    assert.equal(out, 'completed\nwarning  it has a snapshot\n');
  });

  it('tells what was odd on the way', async () => {
    assert.match(await shown({ warnings: [finding] }), /^warning +it has a snapshot$/m);
  });
});

describe('drover jobs watch', () => {
  it('follows one to its end', async () => {
    await using commands = await openMigrationCommands();
    addJob(commands, 'one', { ...RUNNING, state: 'completed' });
    const { exitCode, out } = await commands.drover('jobs', 'watch', 'one');
    assert.deepEqual([exitCode, out], [0, 'completed\n']);
  });

  it('goes on after the server was away', async () => {
    await using commands = await openMigrationCommands();
    const { jobs } = commands.fake;
    addJob(commands, 'one', RUNNING);
    const run = commands.start(['jobs', 'watch', 'one']);
    await run.terminal.shows('transfer 42.5 %');
    const get = jobs.get.bind(jobs);
    jobs.get = () => Promise.reject(new DroverError('unavailable', 'the server is stopping'));
    await tick(commands);
    await run.terminal.shows('trying again in 0.5 s');
    jobs.get = get;
    jobs.set('one', { state: 'completed' });
    await tick(commands);
    assert.equal(await run.exitCode, 0, run.terminal.notes);
  });

  it('prints a line of every job that changes, until Ctrl-C', async () => {
    await using commands = await openMigrationCommands();
    addJob(commands, 'old', { state: 'completed' });
    addJob(commands, 'one');
    const run = commands.start(['jobs', 'watch']);
    await run.terminal.shows('one DC0/vm/one: pending');
    commands.fake.jobs.set('one', RUNNING);
    addJob(commands, 'new');
    await tick(commands);
    await run.terminal.shows('new DC0/vm/new: pending');
    await run.terminal.shows('one DC0/vm/one: transfer 42.5 %');
    run.stop.abort();
    assert.equal(await run.exitCode, 130);
    assert.doesNotMatch(run.terminal.out, /old/);
    assert.equal(run.terminal.out.split('\n').length, 4);
  });

  it('follows a job to its end that is no longer among the newest', async () => {
    await using commands = await openMigrationCommands();
    addJob(commands, 'one', RUNNING);
    const run = commands.start(['jobs', 'watch']);
    await run.terminal.shows('one DC0/vm/one: transfer');
    for (let count = 0; count < 200; count += 1) addJob(commands, `new-${count}`);
    commands.fake.jobs.set('one', { state: 'completed' });
    await tick(commands);
    await run.terminal.shows('one DC0/vm/one: completed');
    run.stop.abort();
    assert.equal(await run.exitCode, 130);
  });
});

describe('drover jobs logs', () => {
  const line = (sequence: number, text: string) => {
    return { sequence, at: Date.UTC(2026, 0, 1), attempt: 1, level: 'info', text } as const;
  };

  it('prints all there is, page by page', async () => {
    await using commands = await openMigrationCommands();
    addJob(commands, 'one', RUNNING);
    for (let count = 1; count <= 1500; count += 1) {
      commands.fake.jobs.lines.push(line(count, `line ${count} \u001B[2J`));
    }
    const { out } = await commands.drover('jobs', 'logs', 'one');
    const lines = out.trimEnd().split('\n');
    assert.equal(lines.length, 1500);
    assert.equal(lines.at(-1), '2026-01-01T00:00:00.000Z info  line 1500 ?[2J');
  });

  it('follows with -f until the job ends, and prints each line once', async () => {
    await using commands = await openMigrationCommands();
    const { jobs } = commands.fake;
    addJob(commands, 'one', RUNNING);
    jobs.lines.push(line(1, 'first'));
    const run = commands.start(['jobs', 'logs', '-f', 'one', '--json']);
    await run.terminal.shows('first');
    jobs.lines.push(line(2, 'last'));
    jobs.set('one', { state: 'failed' });
    await tick(commands);
    assert.equal(await run.exitCode, 0);
    const texts = run.terminal.out
      .trimEnd()
      .split('\n')
      .map((text) => (JSON.parse(text) as { message: string }).message);
    assert.deepEqual(texts, ['first', 'last']);
  });
});

describe('drover jobs cancel, retry and clean', () => {
  it('cancel those named, and tell of those that could not be', async () => {
    await using commands = await openMigrationCommands();
    addJob(commands, 'one', RUNNING);
    addJob(commands, 'done', { state: 'completed' });
    const { exitCode, out, notes } = await commands.drover('jobs', 'cancel', 'one', 'done', 'none');
    assert.equal(exitCode, 6);
    assert.equal(out, 'one cancelled\n');
    assert.equal(notes, 'drover: job done is not running\ndrover: job none is not running\n');
  });

  it('do not call one cancelled that is still being stopped', async () => {
    await using commands = await openMigrationCommands();
    const { jobs } = commands.fake;
    addJob(commands, 'one', RUNNING);
    addJob(commands, 'two');
    const cancel = jobs.cancel.bind(jobs);
    jobs.cancel = async (request) => {
      const answer = await cancel(request);
      jobs.set('one', { ...RUNNING, isCancelRequested: true });
      return answer;
    };
    const { exitCode, out } = await commands.drover('jobs', 'cancel', 'one', 'two');
    assert.equal(exitCode, 0);
    const lines = ['one is being stopped: drover jobs watch shows when it is', 'two cancelled'];
    assert.deepEqual(out.trimEnd().split('\n'), lines);
  });

  it('keep to JSON where it is asked for, also about those that could not be', async () => {
    await using commands = await openMigrationCommands();
    addJob(commands, 'one', RUNNING);
    const { out, notes } = await commands.drover('jobs', 'cancel', 'one', 'no', 'nope', '--json');
    assert.deepEqual((JSON.parse(out) as { cancelled: unknown }).cancelled, ['one']);
    const told = notes.trimEnd().split('\n');
    assert.deepEqual(
      told.map((line) => (JSON.parse(line) as { error: { reason: string } }).error.reason),
      ['JOB_NOT_CANCELLED', 'JOB_NOT_CANCELLED'],
    );
    await commands.drover('jobs', 'cancel', 'one');
    const none = await commands.drover('jobs', 'cancel', '--status', 'pending', '--json');
    assert.equal(none.notes, '');
  });

  it('cancel by status, and want one or the other', async () => {
    await using commands = await openMigrationCommands();
    addJob(commands, 'one');
    addJob(commands, 'two', RUNNING);
    const { out } = await commands.drover('jobs', 'cancel', '--status', 'pending', '--json');
    assert.deepEqual((JSON.parse(out) as { cancelled: unknown }).cancelled, ['one']);
    assert.equal((await commands.drover('jobs', 'cancel')).exitCode, 2);
    const none = await commands.drover('jobs', 'cancel', '--status', 'pending');
    assert.deepEqual([none.exitCode, none.notes], [0, 'there was none to cancel\n']);
  });

  it('retry and clean each, also after one that could not be', async () => {
    await using commands = await openMigrationCommands();
    addJob(commands, 'one', { state: 'failed' });
    addJob(commands, 'two', { state: 'failed' });
    const again = await commands.drover('jobs', 'retry', 'one', 'none', 'two');
    assert.equal(again.exitCode, 3);
    assert.equal(again.out, 'one submitted again\ntwo submitted again\n');
    assert.equal(commands.fake.jobs.all.get('two')?.state, 'pending');
    const cleaned = await commands.drover('jobs', 'clean', 'one');
    assert.deepEqual([cleaned.exitCode, cleaned.out], [0, 'one cleaned: disk-0.qcow2\n']);
  });
});

describe('drover jobs set and remove', () => {
  it('change the bandwidth of each, and lift it again', async () => {
    await using commands = await openMigrationCommands();
    addJob(commands, 'one', RUNNING);
    addJob(commands, 'two');
    const set = await commands.drover('jobs', 'set', 'one', 'two', '--bandwidth', '50MiB/s');
    assert.equal(set.out, 'one has at most 50 MiB/s\ntwo has at most 50 MiB/s\n');
    assert.match((await commands.drover('jobs', 'show', 'one')).out, /^bandwidth +50 MiB\/s$/m);
    const lifted = await commands.drover('jobs', 'set', 'one', '--bandwidth', 'none', '--json');
    assert.deepEqual((JSON.parse(lifted.out) as { controls: object }).controls, {});
    for (const argv of [[], ['--bandwidth', 'fast'], ['--bandwidth', '1']]) {
      const refused = await commands.drover('jobs', 'set', 'one', ...argv);
      assert.deepEqual([refused.exitCode, refused.out], [2, '']);
      assert.match(refused.notes, /--bandwidth: (?:is missing|must be a rate)/);
    }
  });

  it('forget those that are named, and say which there are not', async () => {
    await using commands = await openMigrationCommands();
    addJob(commands, 'one', { state: 'completed' });
    addJob(commands, 'two', RUNNING);
    const { exitCode, out, notes } = await commands.drover('jobs', 'remove', 'three', 'one');
    assert.deepEqual([exitCode, out], [3, 'removed one\n'], notes);
    assert.match(notes, /three/);
    assert.deepEqual([...commands.fake.jobs.all.keys()], ['two']);
  });
});
