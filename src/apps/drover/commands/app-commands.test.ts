import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { openFakeAppServer, refuse, type FakeAppServer } from '#apps/drover/app/fake-app-server.ts';
import { FAKE_ENV, runFake } from '#apps/drover/client/fake-api.ts';
import { FakeTerminal } from '#apps/drover/fake-terminal.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { until } from '#test/until.ts';

const NOW_MS = Date.parse('2026-11-21T14:00:00.000Z');

async function openDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'drover-app-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

function start(server: FakeAppServer, argv: readonly string[], terminal = new FakeTerminal()) {
  const clock = new FakeClock(NOW_MS);
  const stop = new AbortController();
  const line = ['app', ...argv, '--server', server.url];
  return { ...runFake(line, { terminal, clock, signal: stop.signal }), stop };
}

async function drover(server: FakeAppServer, ...argv: readonly string[]) {
  const { exitCode, terminal } = start(server, argv);
  return { exitCode: await exitCode, out: terminal.out, notes: terminal.notes };
}

const WORKERS = {
  ...{ active: 1, idle: 1, creating: 0, in_flight: 3, queued: 0, requests: 42, failing: null },
};
const SHOP = {
  name: 'shop',
  current: '1.1.0',
  url: '/apps/shop/',
  versions: [
    {
      ...{ version: '1.1.0', deployed_at: '2026-11-21T13:57:00.000Z' },
      ...{ size_bytes: 2048, file_count: 3, workers: WORKERS },
    },
    {
      ...{ version: '1.0.0', deployed_at: '2026-11-19T14:00:00.000Z' },
      ...{ size_bytes: 1024, file_count: 2 },
      workers: {
        ...{ active: 0, idle: 0, creating: 0, in_flight: 0, queued: 0, requests: 0 },
        failing: { message: 'no module \u001B[2J x', attempts: 3 },
      },
    },
  ],
};

describe('drover app new', () => {
  it('writes an app that runs as it is, and says how to go on', async () => {
    await using directory = await openDirectory();
    const run = runFake(['app', 'new', 'My Shop'], {
      env: { ...FAKE_ENV, currentDir: directory.path },
    });
    assert.equal(await run.exitCode, 0, run.terminal.notes);
    assert.equal(run.terminal.out, 'my-shop\n');
    assert.equal(run.terminal.notes, "deploy it with: drover app deploy 'My Shop'\n");
    const path = join(directory.path, 'My Shop');
    assert.deepEqual((await readdir(path)).toSorted(), ['main.ts', 'manifest.yaml']);
    assert.match(await readFile(join(path, 'manifest.yaml'), 'utf8'), /^name: my-shop$/m);
    const { default: app } = (await import(join(path, 'main.ts'))) as {
      default: { fetch(request: Request): Response };
    };
    const answer = app.fetch(new Request('http://localhost/there'));
    assert.deepEqual(await answer.json(), { path: '/there', answered: 1 });
  });

  it('touches no folder that has something in it', async () => {
    await using directory = await openDirectory();
    await writeFile(join(directory.path, 'main.ts'), 'mine');
    const run = runFake(['app', 'new', directory.path]);
    assert.equal(await run.exitCode, 5);
    assert.match(run.terminal.notes, /is there and not empty; choose another folder/);
    assert.deepEqual(await readdir(directory.path), ['main.ts']);
  });
});

describe('drover app deploy', () => {
  const deployed = {
    ...{ name: 'shop', version: '1.1.0', previous_version: '1.0.0' },
    url: '/apps/shop/',
  };

  async function makeApp(path: string): Promise<void> {
    await writeFile(join(path, 'manifest.json'), '{"name":"shop","version":"1.1.0"}');
    await writeFile(join(path, 'main.ts'), 'x'.repeat(100_000));
  }

  it('packs a folder on its way, and says what was there before', async () => {
    await using directory = await openDirectory();
    await makeApp(directory.path);
    await using server = await openFakeAppServer({ 'POST /api/v1/apps': deployed });
    const run = await drover(server, 'deploy', directory.path);
    assert.equal(run.exitCode, 0, run.notes);
    assert.equal(run.out, `shop@1.1.0 ${server.url}/apps/shop/\n`);
    assert.match(run.notes, /it was 1\.0\.0 before; back to that with: drover app rollback shop/);
    const [{ headers, body } = assert.fail('nothing was sent')] = server.asked;
    assert.equal(headers['content-type'], 'application/gzip');
    assert.equal(headers.authorization, 'Bearer dev_operator');
    assert.deepEqual([...body.subarray(0, 2)], [0x1f, 0x8b]);
  });

  it('sends an archive as it is', async () => {
    await using directory = await openDirectory();
    const archive = join(directory.path, 'shop.tgz');
    await writeFile(archive, 'not looked into');
    await using server = await openFakeAppServer({ 'POST /api/v1/apps': deployed });
    const run = await drover(server, 'deploy', archive, '--json');
    assert.deepEqual(JSON.parse(run.out), deployed);
    assert.equal(server.asked[0]?.body.toString(), 'not looked into');
  });

  it('tells on a terminal how far it is', async () => {
    await using directory = await openDirectory();
    await makeApp(directory.path);
    const arrived = Promise.withResolvers<() => void>();
    await using server = await openFakeAppServer({
      'POST /api/v1/apps': (response, request) => {
        request.resume().on('end', () => {
          arrived.resolve(() => response.end(JSON.stringify(deployed)));
        });
      },
    });
    const run = start(server, ['deploy', directory.path], new FakeTerminal({ isTty: true }));
    const answer = await arrived.promise;
    await run.clock.advance(2000);
    answer();
    assert.equal(await run.exitCode, 0);
    assert.match(run.terminal.notes, /deploying .*: 97\.\d KiB sent, waiting for the server\n/);
    assert.equal(run.terminal.notes.split('\u001B[1A\u001B[2K').length, 2);
  });

  it('hears a refusal that comes before all is sent', async () => {
    await using directory = await openDirectory();
    const archive = join(directory.path, 'shop.tgz');
    await writeFile(archive, Buffer.alloc(30 * 1024 * 1024));
    await using server = await openFakeAppServer({
      'POST /api/v1/apps': (response) => refuse(response, 429, 'the archive is over 1 MiB'),
    });
    const run = await drover(server, 'deploy', archive);
    assert.equal(run.exitCode, 7);
    assert.match(run.notes, /^drover: the archive is over 1 MiB/);
  });

  it('says of what cannot be sent why, before anything is sent', async () => {
    await using directory = await openDirectory();
    const zip = join(directory.path, 'app.zip');
    await writeFile(zip, '');
    await using server = await openFakeAppServer();
    for (const [source, exitCode, notes] of [
      [directory.path, 3, /holds none of manifest\.yaml/],
      [zip, 2, /must be a folder, or an archive that ends in \.tgz/],
      [join(directory.path, 'nothing'), 2, /nothing: cannot be read \(ENOENT\)/],
    ] as const) {
      const run = await drover(server, 'deploy', source);
      assert.equal(run.exitCode, exitCode, run.notes);
      assert.match(run.notes, notes);
    }
    assert.deepEqual(server.asked, []);
  });
});

describe('drover app list and show', () => {
  it('tell what answers, and how it goes', async () => {
    const files = { ...SHOP.versions[0], version: '3.0.0', workers: null };
    const docs = { name: 'docs', current: '3.0.0', url: '/apps/docs/', versions: [files] };
    await using server = await openFakeAppServer({ 'GET /api/v1/apps': { apps: [SHOP, docs] } });
    const { out } = await drover(server, 'list');
    assert.equal(
      out,
      [
        'NAME  VERSION  VERSIONS  DEPLOYED  WORKERS           URL',
        `shop  1.1.0    2         3m        1 active, 1 idle  ${server.url}/apps/shop/`,
        `docs  3.0.0    1         3m        files             ${server.url}/apps/docs/`,
        '',
      ].join('\n'),
    );
    const { apps } = JSON.parse((await drover(server, 'list', '--json')).out) as { apps: unknown };
    assert.deepEqual(apps, [SHOP, docs]);
  });

  it('say how to begin where there is none', async () => {
    await using server = await openFakeAppServer({ 'GET /api/v1/apps': { apps: [] } });
    const { out, notes } = await drover(server, 'list');
    assert.equal(out, '');
    assert.equal(notes, 'no apps yet; begin one with: drover app new hello\n');
  });

  it('show each version, and why it does not start', async () => {
    await using server = await openFakeAppServer({ 'GET /api/v1/apps/shop': SHOP });
    const { out } = await drover(server, 'show', 'shop');
    assert.equal(
      out,
      [
        `shop ${server.url}/apps/shop/`,
        '',
        'VERSION  DEPLOYED  SIZE   FILES  WORKERS           IN FLIGHT  QUEUED  REQUESTS',
        '1.1.0 *  3m        2 KiB  3      1 active, 1 idle  3          0       42',
        '1.0.0    2d        1 KiB  2      failing           0          0       0',
        '',
        '1.0.0 does not start (tried 3 times): no module ?[2J x',
        '',
      ].join('\n'),
    );
    const missing = await drover(server, 'show', 'a/b');
    assert.equal(missing.exitCode, 3);
    assert.equal(server.asked.at(-1)?.call, 'GET /api/v1/apps/a%2Fb');
  });
});

describe('drover app rollback and remove', () => {
  it('go back to the version before, or to a given one', async () => {
    await using server = await openFakeAppServer({ 'POST /api/v1/apps/shop/rollback': SHOP });
    const { out } = await drover(server, 'rollback', 'shop');
    assert.equal(out, `shop@1.1.0 ${server.url}/apps/shop/\n`);
    await drover(server, 'rollback', 'shop', '--to', '1.1.0');
    assert.deepEqual(
      server.asked.map(({ body }) => JSON.parse(body.toString()) as unknown),
      [{}, { version: '1.1.0' }],
    );
  });

  it('remove a version as soon as it is told, all of them only with --yes', async () => {
    await using server = await openFakeAppServer({
      'GET /api/v1/apps/shop': SHOP,
      'DELETE /api/v1/apps/shop': {},
      'DELETE /api/v1/apps/shop?version=1.0.0': {},
    });
    const asked = await drover(server, 'remove', 'shop');
    assert.equal(asked.exitCode, 6);
    assert.match(asked.notes, /removes shop with all its 2 versions; add --yes if that is meant/);
    assert.equal((await drover(server, 'remove', 'shop', '--yes')).out, 'removed shop\n');
    const one = await drover(server, 'remove', 'shop@1.0.0', '--json');
    assert.equal(one.out, '{"removed":"shop@1.0.0"}\n');
    assert.equal((await drover(server, 'remove', 'shop@')).exitCode, 2);
    assert.deepEqual(
      server.asked.map(({ call }) => call).filter((call) => call.startsWith('DELETE')),
      ['DELETE /api/v1/apps/shop', 'DELETE /api/v1/apps/shop?version=1.0.0'],
    );
  });
});

describe('drover app logs', () => {
  const at = (second: number) => `2026-11-21T13:59:0${second}.000Z`;
  const line = (second: number, text: string, stream = 'stdout') =>
    `${JSON.stringify({ at: at(second), version: '1.1.0', stream, line: text })}\n`;

  it('prints what there is, with nothing in it that a terminal would act on', async () => {
    await using server = await openFakeAppServer({
      'GET /api/v1/apps/shop/logs?lines=2': (response) => {
        response.write(line(1, 'a\tb\u2028c').slice(0, 40));
        response.write(line(1, 'a\tb\u2028c').slice(40) + line(2, '\u001B]0;x\u0007', 'stderr'));
        // Lines without anything in them say that the connection lives.
        response.write('\n');
        response.end(line(3, 'tick', 'drover'));
      },
    });
    const { exitCode, out, notes } = await drover(server, 'logs', 'shop', '-n', '2');
    assert.equal(exitCode, 0, notes);
    assert.equal(
      out,
      `${at(1)} 1.1.0 out a\tb\u2028c\n${at(2)} 1.1.0 err ?]0;x?\n${at(3)} 1.1.0 drover tick\n`,
    );
    const missing = await drover(server, 'logs', 'nothing');
    assert.equal(missing.exitCode, 3);
  });

  it('follows across a lost connection, and prints each line once', async () => {
    const first = 'GET /api/v1/apps/shop/logs?lines=100&follow=true';
    const again = 'GET /api/v1/apps/shop/logs?lines=10000&follow=true';
    await using server = await openFakeAppServer({
      [first]: (response) => {
        response.write(line(1, 'one') + line(2, 'two') + line(2, 'also two'));
      },
      [again]: (response) => {
        response.write(line(1, 'one') + line(2, 'two') + line(2, 'also two'));
        response.write(line(2, 'missed') + line(3, 'three'));
      },
    });
    const run = start(server, ['logs', '-f', 'shop', '--json']);
    await run.terminal.shows('also two');
    server.hangUp();
    await run.terminal.shows('was lost; trying again in 0.5 s');
    await until(() => (run.clock.pendingTimers > 0 ? true : undefined), 'the pause');
    await run.clock.advance(500);
    await run.terminal.shows('three');
    run.stop.abort();
    assert.equal(await run.exitCode, 130);
    const printed = run.terminal.out.trimEnd().split('\n');
    assert.deepEqual(
      printed.map((text) => (JSON.parse(text) as { line: string }).line),
      ['one', 'two', 'also two', 'missed', 'three'],
    );
  });
});
