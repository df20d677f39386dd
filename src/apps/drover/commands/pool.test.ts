import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { openFakeAppServer, refuse, type FakeAppServer } from '#apps/drover/app/fake-app-server.ts';
import { runFake } from '#apps/drover/client/fake-api.ts';
import { FakeTerminal } from '#apps/drover/fake-terminal.ts';
import { FakeScreen } from '#apps/drover/top/fake-screen.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { until } from '#test/until.ts';

const CALL = 'GET /metrics/api/metrics/stats';
const WORKER = {
  ...{ id: 'w1', app: 'shop@1.1.0', state: 'active', requests: 42, uptime: 3600, inFlight: 2 },
  ...{ memory: { rss: 52_428_800, heapUsed: 1 }, draining: false, endReason: null },
};
const STATS = {
  pool: { size: 500, active: 1, idle: 1, creating: 1, total: 3, utilization: 0.002 },
  workers: [
    WORKER,
    { ...WORKER, id: 'w2', state: 'idle', inFlight: 0, draining: true },
    { ...WORKER, id: 'w3', state: 'creating', requests: 0, uptime: 2, memory: { rss: 0 } },
    { ...WORKER, id: 'w4', state: 'terminated', inFlight: 0, endReason: 'max-requests' },
  ],
};

function start(server: FakeAppServer, argv: readonly string[], terminal = new FakeTerminal()) {
  const stop = new AbortController();
  const clock = new FakeClock();
  const line = ['pool', ...argv, '--server', server.url];
  return { ...runFake(line, { terminal, clock, signal: stop.signal }), stop };
}

async function nextSecond(clock: FakeClock): Promise<void> {
  await until(() => (clock.pendingTimers > 0 ? true : undefined), 'the wait for the next second');
  await clock.advance(1000);
}

describe('drover pool', () => {
  it('shows the counts and every worker', async () => {
    await using server = await openFakeAppServer({ [CALL]: STATS });
    const run = start(server, []);
    assert.equal(await run.exitCode, 0, run.terminal.notes);
    assert.equal(
      run.terminal.out,
      [
        '3 of at most 500 workers: 1 active, 1 idle, 1 starting; 0.2 % in use',
        '',
        'WORKER  APP         STATE                     REQUESTS  IN FLIGHT  MEMORY  UPTIME',
        'w1      shop@1.1.0  active                    42        2          50 MiB  1h',
        'w2      shop@1.1.0  idle, draining            42        0          50 MiB  1h',
        'w3      shop@1.1.0  creating                  0         2          -       2s',
        'w4      shop@1.1.0  terminated: max-requests  42        0          50 MiB  1h',
        '',
      ].join('\n'),
    );
    const json = start(server, ['--json']);
    await json.exitCode;
    assert.deepEqual(JSON.parse(json.terminal.out), STATS);
  });

  it('draws within the screen every second, and leaves it as it was', async () => {
    await using server = await openFakeAppServer({ [CALL]: STATS });
    const screen = new FakeScreen(80, 5);
    const run = start(server, ['--watch'], new FakeTerminal({ isTty: true, screen }));
    await run.terminal.shows('w2');
    server.answers.set(CALL, { ...STATS, workers: [{ ...WORKER, id: 'w9' }] });
    await nextSecond(run.clock);
    await run.terminal.shows('w9');
    assert.doesNotMatch(run.terminal.out, /w3/);
    run.stop.abort();
    assert.equal(await run.exitCode, 130);
    assert.ok(run.terminal.out.endsWith('\u001B[?1049l'));
    assert.equal(run.terminal.out.split('\u001B[?1049h').length, 2);
  });

  it('puts the screen right before it says what went wrong', async () => {
    await using server = await openFakeAppServer({ [CALL]: STATS });
    const run = start(server, ['-w'], new FakeTerminal({ isTty: true }));
    await run.terminal.shows('w1');
    server.answers.set(CALL, (response) => refuse(response, 503, 'is stopping'));
    await nextSecond(run.clock);
    assert.equal(await run.exitCode, 8);
    assert.ok(run.terminal.out.endsWith('\u001B[?1049l'));
    assert.match(run.terminal.notes, /^drover: is stopping/);
  });

  it('prints a line of JSON each second, and needs a terminal for anything else', async () => {
    await using server = await openFakeAppServer({ [CALL]: STATS });
    const run = start(server, ['--watch', '--json']);
    await run.terminal.shows('w1');
    await nextSecond(run.clock);
    await until(() => (run.terminal.out.split('\n').length > 2 ? true : undefined), 'a line');
    run.stop.abort();
    assert.equal(await run.exitCode, 130);
    const lines = run.terminal.out.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [STATS, STATS],
    );
    const piped = start(server, ['--watch']);
    assert.equal(await piped.exitCode, 2);
    assert.match(piped.terminal.notes, /--watch: needs a terminal, or --json/);
  });
});
