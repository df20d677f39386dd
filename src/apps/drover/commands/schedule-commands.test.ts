import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { openMigrationCommands } from '#test/migration-command.ts';
import { readSpec } from '#transfers/migration-spec.ts';

const CREATE = [
  ...['schedules', 'create', 'nightly', '--cron', '0 2 * * *', '--timezone', 'UTC'],
  ...['--vm', 'DC0/vm/batch/*', '--from', 'lab', '--to', 'kvm:qemu:///system'],
  ...['--map', 'VM Network=br0', '--overlap', 'queue', '--jitter', '5m', '--tag', 'weekly'],
];

describe('drover schedules', () => {
  it('create one with the job it makes', async () => {
    await using commands = await openMigrationCommands();
    const { exitCode, out, notes } = await commands.drover(...CREATE, '--title', 'Every night');
    assert.equal(exitCode, 0, notes);
    assert.match(out, /^vm +DC0\/vm\/batch\/\*$/m);
    const schedule = commands.fake.schedules.all.get('nightly') ?? assert.fail('there is none');
    assert.partialDeepStrictEqual(schedule, {
      ...{ name: 'Every night', schedule: '0 2 * * *', timezone: 'UTC', overlap: 'queue' },
      ...{ jitterMs: 300_000, tags: ['weekly'], enabled: true },
    });
    assert.equal(schedule.template.subject, 'DC0/vm/batch/*');
    const { options } = readSpec(schedule.template);
    assert.deepEqual(options.networkMapping, { 'VM Network': 'br0' });
  });

  it('refuse what is not whole, and say what the server says', async () => {
    await using commands = await openMigrationCommands();
    const noTime = await commands.drover('schedules', 'create', 'x', '--vm', 'a', '--to', 'kvm');
    assert.deepEqual([noTime.exitCode, commands.fake.schedules.all.size], [2, 0]);
    assert.match(noTime.notes, /--cron: is missing/);
    const noVm = await commands.drover('schedules', 'create', 'x', '--cron', '@daily');
    assert.match(noVm.notes, /--vm: is missing/);
    const wrong = await commands.drover(...CREATE.with(4, '0 24 * * *'));
    assert.equal(wrong.exitCode, 2);
    assert.match(wrong.notes, /^drover: .*: schedule: the hour must be 0 to 23/);
  });

  it('list them with when each runs next', async () => {
    await using commands = await openMigrationCommands();
    const none = await commands.drover('schedules', 'list');
    assert.match(none.notes, /^no schedules yet; make one with: drover schedules create/);
    await commands.drover(...CREATE);
    assert.equal(
      (await commands.drover('schedules', 'list')).out,
      [
        'ID       SCHEDULE   TIME ZONE  NEXT        LAST  RUNS  FAILED  VM',
        'nightly  0 2 * * *  UTC        in 15h 30m  -     0     0       DC0/vm/batch/*',
        '',
      ].join('\n'),
    );
    const json = JSON.parse((await commands.drover('schedules', 'show', 'nightly', '--json')).out);
    assert.equal((json as { id: string }).id, 'nightly');
  });

  it('change what is named, and the job only as a whole', async () => {
    await using commands = await openMigrationCommands();
    await commands.drover(...CREATE);
    const { out } = await commands.drover('schedules', 'change', 'nightly', '--cron', '@hourly');
    assert.match(out, /^schedule +@hourly$/m);
    const part = await commands.drover('schedules', 'change', 'nightly', '--map', 'a=b');
    assert.equal(part.exitCode, 2);
    assert.match(part.notes, /--map: is of the job, which is changed whole: add --vm/);
    assert.equal((await commands.drover('schedules', 'change', 'nightly')).exitCode, 2);
    const whole = ['--vm', 'DC0/vm/a', '--from', 'lab', '--to', 'kvm'];
    assert.equal((await commands.drover('schedules', 'change', 'nightly', ...whole)).exitCode, 0);
  });

  it('switch, trigger and remove them, and tell what became of their runs', async () => {
    await using commands = await openMigrationCommands();
    await commands.drover(...CREATE, '--disabled');
    const state = () => commands.fake.schedules.all.get('nightly')?.enabled;
    assert.equal(state(), false);
    const run = async (verb: string) => (await commands.drover('schedules', verb, 'nightly')).out;
    assert.equal(await run('enable'), 'enabled nightly\n');
    assert.equal(state(), true);
    assert.equal(await run('disable'), 'disabled nightly\n');
    assert.equal(state(), false);
    assert.equal(await run('trigger'), 'triggered nightly: job run-1\n');
    assert.equal(
      await run('runs'),
      [
        'AT                        WHY      STATUS   JOB    MESSAGE',
        '2026-01-17T10:30:00.000Z  by hand  running  run-1',
        '',
      ].join('\n'),
    );
    const stats = await commands.drover('schedules', 'stats');
    assert.match(stats.out, /^successful runs +145$/m);
    assert.equal(await run('remove'), 'removed nightly\n');
    assert.equal((await commands.drover('schedules', 'runs', 'nightly')).exitCode, 3);
  });
});
