import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';

import { runFake } from '#apps/drover/client/fake-api.ts';
import { DEFAULT_RULES } from '#metrics/thresholds/default-rules.ts';
import { createRuleApi } from '#test/rule-api.ts';
import { openWorld, TEMPERATURE, warmRule } from '#test/threshold-fixture.ts';

/** The commands against the real routes, on a free port of the loopback. */
async function openServer() {
  await using stack = new AsyncDisposableStack();
  const swap = DEFAULT_RULES.filter(({ name }) => name === 'swap-usage');
  const configRules = [warmRule({ match: ['room!="x"'], severity: 'info' })];
  const world = stack.use(await openWorld({ defaults: swap, configRules }));
  const app = createRuleApi(world.thresholds);
  stack.defer(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const owned = stack.move();
  return {
    world,
    drover: async (...argv: string[]) => {
      const { clock } = world;
      const run = runFake([...argv, '--server', `http://127.0.0.1:${port}`], { clock });
      return { exitCode: await run.exitCode, out: run.terminal.out, notes: run.terminal.notes };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const ADD = ['rule', 'add', 'hot', '--metric', TEMPERATURE.name, '--when', '> 40'];

describe('drover rule', () => {
  it('list shows each rule with its condition', async () => {
    await using server = await openServer();
    await server.drover(...ADD, '--for', '2m', '--customer', 'ada');
    await server.drover('rule', 'disable', 'swap-usage');
    await server.world.tick({ 'room=a': 35 });
    const { exitCode, out } = await server.drover('rule', 'list');
    assert.equal(exitCode, 0);
    assert.equal(
      out,
      [
        'NAME        OWNER  SOURCE   SEVERITY  STATE     CONDITION',
        'swap-usage  -      changed  warning   disabled  drover_swap_used_percent > 80 for 15m',
        'warm        -      config   info      1 firing  room_temperature_celsius{room!="x"} > 30',
        'hot         ada    api      warning   no data   room_temperature_celsius > 40 for 2m',
        '',
      ].join('\n'),
    );
    const ofAda = await server.drover('rule', 'list', '--customer', 'ada', '--json');
    const { rules } = JSON.parse(ofAda.out) as { rules: { name: string }[] };
    assert.deepEqual(
      rules.map(({ name }) => name),
      ['hot'],
    );
  });

  it('add sends every option', async () => {
    await using server = await openServer();
    const { exitCode, out, notes } = await server.drover(
      ...['rule', 'add', 'cold', '--metric', TEMPERATURE.name, '--when', '<=-5.5'],
      ...['--match', 'room="a"', '--match', 'floor=~"1|2"', '--for', '90', '--hysteresis', '0.5'],
      ...['--cooldown', '1h', '--repeat', '1d', '--severity', 'critical', '--label', 'team=x=y'],
      ...['--description', 'it is cold', '--disabled', '--json'],
    );
    assert.equal(exitCode, 0, notes);
    const {
      id,
      created_at: _,
      updated_at: __,
      ...rule
    } = JSON.parse(out) as { id: string } & {
      created_at: string;
      updated_at: string;
    };
    assert.match(id, /^rule_/);
    assert.deepEqual(rule, {
      name: 'cold',
      customer_id: null,
      source: 'api',
      overridden: false,
      metric: TEMPERATURE.name,
      match: ['room="a"', 'floor=~"1|2"'],
      comparison: '<=',
      value: -5.5,
      for: '1m30s',
      hysteresis: 0.5,
      cooldown: '1h',
      repeat: '1d',
      severity: 'critical',
      labels: { team: 'x=y' },
      enabled: false,
      description: 'it is cold',
      health: { status: 'disabled', series: 0, error: null },
      alerts: { pending: 0, firing: 0 },
    });
  });

  it('show prints what is set, one a line', async () => {
    await using server = await openServer();
    const { out } = await server.drover('rule', 'show', 'warm');
    assert.match(out, /^name +warm$/m);
    assert.match(out, /^match +\["room!=\\"x\\""\]$/m);
    assert.doesNotMatch(out, /customer_id|description/);
  });

  it('enable, disable and remove take several', async () => {
    await using server = await openServer();
    await server.drover(...ADD);
    const off = await server.drover('rule', 'disable', 'hot', 'swap-usage');
    assert.equal(off.out, 'disabled hot\ndisabled swap-usage\n');
    const on = await server.drover('rule', 'enable', 'hot');
    assert.equal(on.out, 'enabled hot\n');
    const removed = await server.drover('rule', 'remove', 'hot', 'swap-usage', '--json');
    assert.equal(removed.out, '{"removed":"hot"}\n{"removed":"swap-usage"}\n');
    const gone = await server.drover('rule', 'remove', 'hot');
    assert.equal(gone.exitCode, 3);
    assert.match(gone.notes, /^drover: there is no such rule/);
  });

  it('says what is wrong, with the exit code of its kind', async () => {
    await using server = await openServer();
    for (const [argv, exitCode, notes] of [
      [['rule', 'add', 'x', '--metric', 'up'], 2, /--when: must be a comparison/],
      [['rule', 'add', 'x', '--metric', 'up', '--when', '90'], 2, /--when: must be/],
      [[...ADD, '--hysteresis', 'much'], 2, /--hysteresis: must be a number/],
      [[...ADD, '--label', 'team'], 2, /--label: must be NAME=VALUE/],
      [[...ADD, '--for', 'long'], 2, /drover: for: must be a time/],
      [['rule', 'add', 'warm', '--metric', 'up', '--when', '< 1'], 5, /there is a rule warm/],
      [['rule', 'disable', 'warm'], 6, /lives in the config file/],
      [['rule', 'show', 'nothing'], 3, /no such rule/],
    ] as const) {
      const run = await server.drover(...argv);
      assert.equal(run.exitCode, exitCode, run.notes);
      assert.match(run.notes, notes);
    }
    const away = runFake(['rule', 'list', '--server', 'http://127.0.0.1:1']);
    assert.equal(await away.exitCode, 8);
    assert.match(away.terminal.notes, /cannot reach the server at http:\/\/127\.0\.0\.1:1/);
  });
});

describe('drover alert list', () => {
  it('shows what is pending and fires, and since when', async () => {
    await using server = await openServer();
    await server.drover(...ADD, '--for', '1h');
    await server.world.tick({ 'room=a': 45.5 }, { seconds: 121 });
    const { out } = await server.drover('alert', 'list');
    const lines = out.trimEnd().split('\n');
    assert.equal(lines[0], 'RULE  STATE    SEVERITY  FOR  VALUE  THRESHOLD  LABELS');
    assert.deepEqual(lines.slice(1).toSorted(), [
      'hot   pending  warning   2m   45.5   > 40       room=a',
      'warm  firing   info      2m   45.5   > 30       room=a',
    ]);
    const firing = await server.drover('alert', 'list', '--state', 'firing', '--json');
    const { alerts } = JSON.parse(firing.out) as { alerts: { rule_name: string }[] };
    assert.equal(alerts.length, 1);
    const none = await server.drover('alert', 'list', '--severity', 'critical');
    assert.equal(none.notes, 'no alerts\n');
  });
});
