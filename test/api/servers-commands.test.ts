/** The fleet on the command line, against the whole server. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { runFake } from '#apps/drover/client/fake-api.ts';
import { FakeTerminal } from '#apps/drover/fake-terminal.ts';
import { FakeScreen } from '#apps/drover/top/fake-screen.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { openServer, type LoopbackServer } from '#test/loopback-server.ts';
import { until } from '#test/until.ts';

const SECRET = 'hunter2';
const METRICS =
  'node_memory_MemTotal_bytes 4294967296\nnode_memory_MemAvailable_bytes 1073741824\n';
/** Nobody listens there. */
const NOBODY = 'http://127.0.0.1:1';

let drover: TestServer;
let exporter: LoopbackServer;
let authorization: string | undefined;

before(async () => {
  exporter = await openServer(({ headers }, response) => {
    authorization = headers.authorization;
    response.end(METRICS);
  });
  drover = await openTestServer();
});
after(async () => {
  await drover[Symbol.asyncDispose]();
  await exporter[Symbol.asyncDispose]();
});

async function run(...argv: readonly string[]) {
  const terminal = new FakeTerminal({ input: `${SECRET}\n` });
  const { exitCode } = runFake([...argv, '--server', drover.url], { terminal });
  return { exitCode: await exitCode, out: terminal.out, notes: terminal.notes };
}

async function ok(...argv: readonly string[]) {
  const { exitCode, out, notes } = await run(...argv);
  assert.equal(exitCode, 0, notes);
  return { out, notes };
}

async function changeRule(changes: object): Promise<void> {
  const headers = { authorization: 'Bearer dev_operator', 'content-type': 'application/json' };
  const body = JSON.stringify(changes);
  const url = `${drover.url}/api/v1/rules/server-offline`;
  const { status } = await fetch(url, { method: 'PATCH', headers, body });
  assert.equal(status, 200);
}

describe('drover servers', () => {
  it('lists this host while there is nobody else', async () => {
    const { out } = await ok('servers', 'list');
    assert.match(out, /^SERVER +STATUS +ROLES/);
    assert.match(out, /ai,app,storage/);
  });

  it('adds servers with a secret that is no argument, and tests them', async () => {
    const add = ['servers', 'add', 'web-1', '--role', 'app', '--exporter', exporter.url];
    const { out, notes } = await ok(...add, '--secret-file', '-');
    assert.match(out, new RegExp(`source 1 +exporter ${exporter.url}, with a secret`));
    assert.match(notes, /the host of the server is not watched now: .* --local/);
    const tested = await ok('servers', 'test', 'web-1');
    assert.match(tested.out, /^web-1: exporter http.* answers in .* ms, and tells memory$/m);
    assert.equal(authorization, `Bearer ${SECRET}`);
    await ok('servers', 'add', 'dead', '--exporter', NOBODY);
    const dead = await run('servers', 'test', 'web-1', 'dead');
    assert.equal(dead.exitCode, 8);
    assert.match(dead.out, /^dead: exporter .* fails: .*refused/m);
  });

  it('changes what is named, and keeps the secret', async () => {
    const edit = ['servers', 'edit', 'web-1'];
    await ok(...edit, '--name', 'Web', '--qdrant', 'http://q:1');
    const { out } = await ok(...edit, '--drop', '2', '--json');
    const { name, roles, sources } = JSON.parse(out);
    assert.deepEqual([name, roles, sources.length], ['Web', ['app'], 1]);
    assert.equal(sources[0].has_secret, true);
    const moved = await run(...edit, '--drop', '1', '--exporter', `${NOBODY}0`);
    assert.equal(moved.exitCode, 2);
    assert.match(moved.notes, /sources\[0\]\.secret: must be given again/);
  });

  it('shows a server with what it is and how it is', async () => {
    const { out } = await ok('servers', 'show', 'web-1');
    assert.match(out, /^id +web-1$/m);
    assert.match(out, /^source 1 +exporter .*, with a secret, answered \d+s ago$/m);
    const { exitCode, notes } = await run('servers', 'show', 'web-9');
    assert.equal(exitCode, 3);
    assert.match(notes, /there is no server web-9/);
  });

  it('says what is wrong with options before anybody is asked', async () => {
    const refused: readonly (readonly [RegExp, ...string[]])[] = [
      [/--exporter: is missing, or another source/, 'add', 'x'],
      [/--instance: is about one source with a URL, not none/, 'add', 'x', '--instance', 'y'],
      [/ID: is all there is; say what is to change/, 'edit', 'web-1'],
      [/--drop: must be at most 1, not 7/, 'edit', 'web-1', '--drop', '7'],
    ];
    for (const [text, ...argv] of refused) {
      const { exitCode, notes } = await run('servers', ...argv);
      assert.deepEqual([exitCode, text.test(notes)], [2, true], notes);
    }
  });
});

describe('drover alerts', () => {
  it('lists servers that are offline among what needs attention', async () => {
    const { out } = await ok('alerts');
    assert.match(out, /^SERVER +SEVERITY +WHAT/);
    assert.match(out, /^dead +offline +no source answers +- +exporter .*refused/m);
    const { alerts } = JSON.parse((await ok('alerts', '--json')).out);
    assert.partialDeepStrictEqual(alerts[0], { server: 'dead', severity: 'offline', since: null });
  });

  it('says it once where the rule for it fires too, and counts it once', async () => {
    // It waits a minute as it ships.
    await changeRule({ for: '0s' });
    await until(async () => {
      const { out } = await ok('alert', 'list');
      return /^server-offline +firing +critical .*server=dead/m.test(out) ? true : undefined;
    }, 'the alert');
    const { alerts } = JSON.parse((await ok('alerts', '--json')).out);
    const about = alerts.filter(({ server }: { readonly server: string }) => server === 'dead');
    assert.equal(about.length, 1);
    const counted = async () => {
      const { summary } = (await (await fetch(`${drover.url}/api/servers/summary`)).json()) as {
        readonly summary: { readonly alerts_count: number };
      };
      return summary.alerts_count;
    };
    assert.equal(await counted(), 1);
    await ok('silence', 'add', '1h', '--match', 'server="dead"');
    const { out } = await ok('alerts');
    assert.match(out, /^dead +offline .*refused \(silenced until /m);
    assert.equal(await counted(), 1);
    const [id = ''] = /^silence_\w+/m.exec((await ok('silence', 'list')).out) ?? [];
    await ok('silence', 'remove', id);
    await changeRule({ enabled: false });
  });

  it('tells with --watch what begins and what ends', async () => {
    const clock = new FakeClock();
    const terminal = new FakeTerminal();
    const stop = new AbortController();
    const argv = ['alerts', '--watch', '--server', drover.url];
    const { exitCode } = runFake(argv, { terminal, clock, signal: stop.signal });
    await terminal.shows('begins  dead  offline');
    await ok('servers', 'remove', 'dead');
    await until(() => (clock.pendingTimers > 0 ? true : undefined), 'the wait');
    await clock.advance(5000);
    await terminal.shows('ends  dead  offline');
    stop.abort();
    assert.notEqual(await exitCode, 0);
    await ok('servers', 'add', 'dead', '--exporter', NOBODY);
  });
});

describe('drover silence', () => {
  it('adds, lists and removes what is told to nobody for a while', async () => {
    const match = 'server="web-1"';
    const { out } = await ok('silence', 'add', '2h', '--match', match, '--comment', 'new disks');
    const [, id = ''] = /^(silence_\w+) .* server="web-1" +new disks$/m.exec(out) ?? [];
    assert.match((await ok('silence', 'list')).out, new RegExp(`^${id} .* operator:`, 'm'));
    await ok('silence', 'remove', id);
    assert.match((await ok('silence', 'list')).notes, /no silences/);
    const { exitCode, notes } = await run('silence', 'add', '2h');
    assert.deepEqual([exitCode, /--match: is missing/.test(notes)], [2, true]);
  });
});

describe('drover top', () => {
  it('shows all servers, the worst first, and one that is named', async () => {
    const { out } = await ok('top');
    assert.match(
      out,
      /^2 servers at http.*, 1 online, [01] alerts? firing\n\nSERVER .*\ndead +offline/,
    );
    const { servers } = JSON.parse((await ok('top', '--json')).out);
    assert.equal(servers.length, 2);
    const one = await ok('top', 'web-1');
    assert.match(one.out, /^web-1 \(Web\) at http.*\nstatus {2}online\ncpu +- +load -\n/);
    assert.match(one.out, /^memory {2}75\.0 % {3}3 GiB of 4 GiB$/m);
    const { notes, exitCode } = await run('top', 'web-2');
    assert.deepEqual([exitCode, /web-2; did you mean web-1\?/.test(notes)], [3, true]);
  });

  it('draws the page again and again on a terminal', async () => {
    const screen = new FakeScreen(80, 24);
    const terminal = new FakeTerminal({ isTty: true, wantsColour: true, screen });
    const { exitCode } = runFake(['top', '--server', drover.url], { terminal });
    await terminal.shows('q quit   space now   drover top SERVER shows one');
    assert.match(terminal.out, /\u001B\[31mdead/);
    screen.press('q');
    assert.equal(await exitCode, 0);
  });
});
