import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { runFake } from '#apps/drover/client/fake-api.ts';
import type { FakeRun } from '#apps/drover/client/fake-api.ts';
import { FakeTerminal } from '#apps/drover/fake-terminal.ts';
import { FakeScreen } from '#apps/drover/top/fake-screen.ts';
import { openFakeTopServer } from '#apps/drover/top/fake-top-server.ts';
import type { FakeTopServer } from '#apps/drover/top/fake-top-server.ts';
import { DroverError } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { until } from '#test/until.ts';

const LEFT = '\u001B[?1049l';

/** Tells when the command sleeps between its two answers. */
class WatchedClock extends FakeClock {
  readonly sleeping = Promise.withResolvers<void>();

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeping.resolve();
    return super.sleep(ms, signal);
  }
}

interface Once extends FakeRun {
  /** Lets the time between the two answers pass. */
  finish(change?: () => void): Promise<number>;
}

function once(server: FakeTopServer, ...args: string[]): Once {
  const clock = new WatchedClock();
  const run = runFake(['top', '--server', server.url, ...args], { clock });
  return {
    ...run,
    async finish(change) {
      await clock.sleeping.promise;
      change?.();
      await clock.advance(1100);
      return await run.exitCode;
    },
  };
}

interface Live extends FakeRun {
  readonly screen: FakeScreen;
  readonly stop: AbortController;
}

function live(server: FakeTopServer, ...args: string[]): Live {
  const screen = new FakeScreen(100, 40);
  const terminal = new FakeTerminal({ isTty: true, wantsColour: true, screen });
  const clock = new FakeClock();
  const stop = new AbortController();
  const argv = ['top', '--server', server.url, ...args];
  return { ...runFake(argv, { terminal, clock, signal: stop.signal }), screen, stop };
}

/** What the screen shows after the latest page was drawn. */
function shownPage({ terminal }: Live): string {
  return terminal.out.slice(terminal.out.lastIndexOf('\u001B[H'));
}

describe('drover top, printed once', () => {
  it('shows the host, its devices, machines and processes', async () => {
    await using server = await openFakeTopServer();
    const run = once(server);
    const exitCode = await run.finish(() => {
      server.host.sectorsRead += 2200;
      server.host.bytesReceived += 1_126_400;
    });
    assert.equal(exitCode, 0);
    assert.equal(
      run.terminal.out,
      [
        `host-1 at ${server.url}, measured 0.3 s ago`,
        'cpu     25.3 %   load 1.00 1.20 -   processes 42   up 3d',
        'memory  25.0 %   3.9 GiB of 15.6 GiB   swap 1 GiB of 4 GiB (25.0 %)',
        '',
        'FILESYSTEM  TYPE  USED    INODES',
        '/full       xfs   97.5 %  -',
        '/           ext4  23.3 %  2.7 %',
        '',
        'DEVICE   IN                   OUT            BUSY',
        'sda      1000 KiB/s read      0 B/s written  0.0 %',
        'nvme0n1  0 B/s read           0 B/s written  0.0 %',
        'eth0     1000 KiB/s received  0 B/s sent',
        '',
        'GPU  MODEL            BUSY    MEMORY  TEMPERATURE  POWER',
        '0    NVIDIA RTX 3080  50.0 %  95.0 %  70.0 °C      -',
        '',
        'MACHINE  CUSTOMER  CPU     MEMORY',
        'vm_1     acme      12.5 %  256 MiB',
        '',
        'PID  USER  CPU ▾    MEMORY   STATE  THREADS  PROCESS',
        '77   0     123.5 %  100 MiB  R      4        busy?[2J',
        '1    -     0.0 %    4 KiB    S      1        init',
        '',
      ].join('\n'),
    );
    assert.equal(server.authorization(), 'Bearer dev_operator');
    const query = decodeURIComponent(server.asked.find((path) => path.includes('query')) ?? '');
    assert.match(query, /query=\{__name__=~"drover_cpu_usage_percent\|.*"\}$/);
  });

  it('prints the same as JSON, with null for what nobody knows', async () => {
    await using server = await openFakeTopServer();
    const run = once(server, '--json', '--by', 'memory', '--limit', '2');
    assert.equal(await run.finish(() => (server.host.sectorsRead = 7)), 0);
    const printed = JSON.parse(run.terminal.out) as Record<string, unknown>;
    assert.equal(printed['instance_id'], 'host-1');
    assert.equal(printed['cpu_percent'], 25.31);
    assert.deepEqual(printed['load'], [1, 1.2, null]);
    // The counter went back: the host restarted, and there is no rate.
    assert.deepEqual(printed['disks'], [
      ...[
        { name: 'sda', read_bytes_per_second: null },
        { name: 'nvme0n1', read_bytes_per_second: 0 },
      ].map((disk) => ({ ...disk, written_bytes_per_second: 0, busy_percent: 0 })),
    ]);
    assert.deepEqual(printed['machines'], [
      {
        ...{ machine_id: 'vm_1', customer_id: 'acme' },
        ...{ cpu_percent: 12.5, memory_bytes: 268_435_456 },
      },
    ]);
    assert.ok(server.asked.includes('/api/v1/processes?by=memory&limit=2'));
  });

  it('leaves out what a server does not have or a token may not see', async () => {
    await using server = await openFakeTopServer();
    server.refusals.set('/get', { status: 403, body: '{"message":"for operators"}' });
    server.refusals.set('/api/v1/processes', { status: 404, body: '' });
    const run = once(server);
    assert.equal(await run.finish(), 0);
    assert.match(run.terminal.out, /how the host itself stands is not told to this token/);
    assert.match(run.terminal.out, /vm_1 +acme/);
    assert.doesNotMatch(run.terminal.out, /PROCESS/);
  });

  it('says what is wrong: no server, no right, another program, a bad option', async () => {
    await using server = await openFakeTopServer();
    const refuse = (status: number, body: string) => {
      for (const path of ['/get', '/api/v1/processes', '/api/v1/query']) {
        server.refusals.set(path, { status, body });
      }
    };
    refuse(401, '{"message":"the token is not known"}');
    const denied = once(server);
    assert.equal(await denied.exitCode, 4);
    assert.match(denied.terminal.notes, /the token is not known/);
    refuse(404, '<html>nothing here</html>');
    const absent = once(server);
    assert.equal(await absent.exitCode, 3);
    assert.match(absent.terminal.notes, /answers 404 and does not look like Drover/);
    refuse(200, '<html>hello</html>');
    const other = once(server);
    assert.equal(await other.exitCode, 8);
    assert.match(other.terminal.notes, /is a Drover server there\?/);
    const gone = runFake(['top', '--server', 'http://127.0.0.1:1']);
    assert.equal(await gone.exitCode, 8);
    assert.match(gone.terminal.notes, /cannot reach the server at http:\/\/127\.0\.0\.1:1/);
    for (const option of ['--by=size', '--interval=0.1', '--interval=x', '--limit=0']) {
      assert.equal(await once(server, option).exitCode, 2);
    }
  });
});

describe('drover top on a terminal', () => {
  it('draws page after page, and leaves the terminal as it was at q', async () => {
    await using server = await openFakeTopServer();
    const run = live(server);
    await run.terminal.shows('busy?[2J');
    assert.ok(run.terminal.out.startsWith('\u001B[?1049h'));
    assert.doesNotMatch(shownPage(run), /KiB\/s/);
    server.host.bytesReceived += 2_048_000;
    await until(() => (run.clock.pendingTimers === 1 ? true : undefined), 'the wait');
    await run.clock.advance(2000);
    await run.terminal.shows('1000 KiB/s received');
    assert.match(shownPage(run), /\u001B\[31m\/full +xfs/);
    run.screen.press('q');
    assert.equal(await run.exitCode, 0);
    assert.ok(run.terminal.out.endsWith(LEFT));
    assert.equal(run.screen.isListening, false);
    assert.equal(run.clock.pendingTimers, 0);
  });

  it('sorts by the key that is pressed, asking at once', async () => {
    await using server = await openFakeTopServer();
    const run = live(server);
    await run.terminal.shows('CPU ▾');
    run.screen.press('m');
    await run.terminal.shows('MEMORY ▾');
    await until(() => (server.asked.length === 7 ? true : undefined), 'the second question');
    assert.ok(server.asked.includes('/api/v1/processes?by=memory&limit=40'));
    run.screen.press('x');
    run.screen.press('\u0003');
    assert.equal(await run.exitCode, 0);
    assert.equal(server.asked.length, 7);
  });

  it('draws again without asking when the terminal changes its size, and within it', async () => {
    await using server = await openFakeTopServer();
    const run = live(server);
    await run.terminal.shows('q quit');
    const before = run.terminal.out.length;
    run.screen.resize(30, 10);
    await until(() => (run.terminal.out.length > before ? true : undefined), 'another page');
    const lines = shownPage(run)
      .replaceAll(/\u001B\[[0-9;?]*[A-Za-z]/g, '')
      .split('\r\n');
    assert.equal(lines.length, 10);
    assert.ok(lines.every((line) => Array.from(line).length <= 30));
    assert.ok(lines.some((line) => line.startsWith('77 ')));
    assert.equal(server.asked.length, 4);
    run.screen.press('q');
    assert.equal(await run.exitCode, 0);
  });

  it('keeps the last page and tries again when the server is gone for a while', async () => {
    await using server = await openFakeTopServer();
    const run = live(server, '--interval', '1');
    await run.terminal.shows('q quit');
    server.refusals.set('/get', { status: 503, body: '{"message":"is stopping"}' });
    await until(() => (run.clock.pendingTimers === 1 ? true : undefined), 'the wait');
    await run.clock.advance(1000);
    await run.terminal.shows('is stopping; trying again');
    assert.match(shownPage(run), /vm_1/);
    server.refusals.clear();
    run.screen.press(' ');
    await until(() => (shownPage(run).includes('q quit') ? true : undefined), 'the help line');
    run.screen.press('q');
    assert.equal(await run.exitCode, 0);
  });

  it('puts the terminal right before it says what went wrong', async () => {
    await using server = await openFakeTopServer();
    const run = live(server);
    await run.terminal.shows('q quit');
    server.refusals.set('/get', { status: 401, body: '{"message":"the token was revoked"}' });
    run.screen.press(' ');
    assert.equal(await run.exitCode, 4);
    assert.ok(run.terminal.out.endsWith(LEFT));
    assert.match(run.terminal.notes, /the token was revoked/);
  });

  it('ends at a signal as every command does', async () => {
    await using server = await openFakeTopServer();
    const run = live(server);
    await run.terminal.shows('q quit');
    run.stop.abort(new DroverError('cancelled', 'interrupted'));
    assert.equal(await run.exitCode, 130);
    assert.ok(run.terminal.out.endsWith(LEFT));
    assert.equal(run.screen.isListening, false);
  });
});
