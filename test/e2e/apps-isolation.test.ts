/** What apps must not reach, and what must not become one, asked of a whole server. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MIB } from '#kernel/units.ts';
import { OPERATOR, type Json } from '#test/api-client.ts';
import { appArchive, MAIN_JS, tarOf, type TarEntry } from '#test/app-fixture.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { SmallDisk } from '#test/fault/small-disk.ts';
import { openServer, type LoopbackServer } from '#test/loopback-server.ts';
import { PoolClient, type PoolAnswer } from '#test/pool-client.ts';
import { openRawClient } from '#test/raw-client.ts';
import { until } from '#test/until.ts';

const UPLOAD = { authorization: `Bearer ${OPERATOR}`, 'content-type': 'application/gzip' };
const SOURCE_OF_B =
  'const KEPT = "known to b alone"; export default { fetch: () => new Response(KEPT) };';

let server: TestServer;
let client: PoolClient;
let outside: LoopbackServer;

before(async () => {
  outside = await openServer((request, response) => {
    response.end(`${request.method} ${request.url} ${request.headers.authorization ?? 'nobody'}`);
  });
  server = await openTestServer({ workers: { warm: 1 }, apps: { allowPrivate: true } });
  client = new PoolClient(server.url);
  const own = { env: { SECRET: 'of a' }, max_workers: 1 };
  await client.deploy({ app: 'probe', name: 'a', manifest: own });
  const other = { env: { SECRET: 'of b' }, min_workers: 1 };
  await client.deploy({ app: { source: SOURCE_OF_B }, name: 'b', manifest: other });
  const allowed_hosts = [`127.0.0.1:${outside.port}`];
  await client.deploy({ app: 'fetching', name: 'caller', manifest: { allowed_hosts } });
});

after(async () => {
  client?.[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
  await outside?.[Symbol.asyncDispose]();
});

/** What the app `a` finds when it evaluates an expression. */
async function tried(expression: string): Promise<Json> {
  return (await client.ask('/apps/a/', { method: 'POST', body: `export default ${expression}` }))
    .json;
}

async function upload(body: Buffer): Promise<PoolAnswer> {
  return await client.ask('/api/v1/apps', { method: 'POST', headers: UPLOAD, body });
}

/** The folders of apps on the disk, once nobody is at work there any more. */
async function appsOnDisk(dataDir = server.dataDir): Promise<string[]> {
  const root = join(dataDir, 'apps');
  await until(async () => {
    return (await readdir(join(root, '.incoming'))).length === 0 || undefined;
  }, 'nothing to be on its way in');
  return (await readdir(root)).filter((name) => name !== '.incoming').toSorted();
}

const builtin = (name: string) => `process.getBuiltinModule('${name}')`;
const readText = (path: string) => `${builtin('fs')}.readFileSync(${JSON.stringify(path)}, 'utf8')`;

describe('one app', () => {
  it('has its own environment and files, and none of the server or of another app', async () => {
    assert.deepEqual(await tried('process.env'), { value: { SECRET: 'of a' } });
    const own = await tried('process.argv.length');
    assert.equal(typeof own.value, 'number', 'it can say what it finds');
    const { dataDir } = server;
    const [worker] = await until(async () => {
      const found = await client.live('b');
      return found[0]?.pid ? found : undefined;
    }, 'a worker of b');
    const forbidden = [
      join(dataDir, 'apps/b/1.0.0/main.ts'),
      join(dataDir, 'apps/b/state.json'),
      join(dataDir, 'run/members', worker?.id ?? '', 'app/main.ts'),
      join(dataDir, 'apps/a/state.json'),
      join(dataDir, 'drover.db'),
      `/proc/${process.pid}/environ`,
      `/proc/${worker?.pid}/environ`,
      '/etc/passwd',
    ];
    for (const path of forbidden) {
      const { code } = await tried(readText(path));
      assert.equal(code, 'ERR_ACCESS_DENIED', path);
    }
    const listed = await tried(`${builtin('fs')}.readdirSync(${JSON.stringify(dataDir)})`);
    assert.equal(listed.code, 'ERR_ACCESS_DENIED');
    assert.equal((await client.ask('/apps/b/')).text, 'known to b alone');
  });

  it('has neither the network nor the processes of the host', async () => {
    const { port } = server;
    const [worker] = await client.live('b');
    const refused = [
      `new Promise((_, no) => ${builtin('net')}.connect(${port}, '127.0.0.1').on('error', no))`,
      `fetch('http://127.0.0.1:${port}/health').catch((error) => { throw error.cause; })`,
      `new Promise((_, no) => ${builtin('net')}.createServer().on('error', no).listen(0))`,
      `process.kill(${worker?.pid}, 0)`,
      `process.kill(${process.pid}, 0)`,
      `${builtin('child_process')}.execFileSync('true')`,
    ];
    for (const expression of refused) {
      const { code } = await tried(expression);
      assert.equal(code, 'ERR_ACCESS_DENIED', expression);
    }
    const again = await client.live('b');
    assert.equal(again[0]?.id, worker?.id, 'it lives on');
  });

  it('runs as another user than the server and every other app', async (t) => {
    if (process.getuid?.() !== 0) {
      t.skip('needs root, to become other users');
      return;
    }
    await client.ask('/apps/caller/?url=http://none.test/');
    const { workers } = await client.stats();
    const pids = workers.filter(
      ({ pid, state }) => pid !== null && /ready|idle|active/.test(state),
    );
    const users = await Promise.all(pids.map(({ pid }) => uidOf(pid ?? 0)));
    assert.ok(users.length >= 3);
    assert.equal(new Set(users).size, users.length, users.join());
    assert.ok(!users.includes(0), JSON.stringify([pids, users]));
  });
});

async function uidOf(pid: number): Promise<number> {
  return Number(/^Uid:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

describe('what an app fetches', () => {
  const fetched = (url: string, call = {}) =>
    client.ask(`/apps/caller/?url=${encodeURIComponent(url)}`, call);

  it('comes from the hosts of its manifest', async () => {
    const answer = await fetched(`${outside.url}/a?b`);
    assert.deepEqual([answer.status, answer.text], [200, 'GET /a?b nobody']);
    const posted = await fetched(`${outside.url}/c`, { method: 'POST', body: 'x' });
    assert.equal(posted.text, 'POST /c nobody');
  });

  it('is refused from all others, in a sentence that says what to do', async () => {
    await using other = await openServer((_, response) => void response.end('reached'));
    const urls = [other.url, server.url, 'http://example.test/', 'http://169.254.169.254/latest/'];
    for (const url of urls) {
      const { status, json } = await fetched(url);
      assert.equal(status, 502);
      assert.deepEqual(
        [json.name, json.message, json.code],
        ['TypeError', 'fetch failed', 'ERR_ACCESS_DENIED'],
      );
      assert.match(json.why, /allowed_hosts/, url);
    }
    assert.match((await fetched('file:///etc/passwd')).json.name, /TypeError/);
  });

  it('may not lead back into the host, unless the operator says so', async () => {
    await using strict = await openTestServer({ workers: { warm: 0 } });
    using its = new PoolClient(strict.url);
    const allowed_hosts = [`127.0.0.1:${outside.port}`, 'localhost', '*'];
    await its.deploy({ app: 'fetching', name: 'caller', manifest: { allowed_hosts } });
    for (const url of [outside.url, `http://localhost:${outside.port}/`, strict.url]) {
      const { status, json } = await its.ask(`/apps/caller/?url=${encodeURIComponent(url)}`);
      assert.deepEqual([status, json.code], [502, 'ERR_ACCESS_DENIED'], url);
    }
  });
});

const MANIFEST = { name: 'manifest.json', body: '{"name":"evil","version":"1.0.0"}' };
const MAIN = { name: 'main.js', body: MAIN_JS };

const HOSTILE: Readonly<Record<string, readonly TarEntry[]>> = {
  'a path upwards': [MANIFEST, MAIN, { name: '../../evil.js', body: 'x' }],
  'a path upwards in the middle': [MANIFEST, MAIN, { name: 'a/../../../evil.js', body: 'x' }],
  'an absolute path': [MANIFEST, MAIN, { name: '/tmp/drover-evil.js', body: 'x' }],
  'a symbolic link out': [MANIFEST, MAIN, { name: 'l', type: 'symlink', linkname: '/etc/passwd' }],
  'a link, and a file through it': [
    ...[MANIFEST, MAIN, { name: 'd', type: 'symlink', linkname: '/tmp' } as const],
    { name: 'd/drover-evil.js', body: 'x' },
  ],
  'a hard link': [MANIFEST, MAIN, { name: 'h', type: 'link', linkname: '/etc/shadow' }],
  'a device': [
    MANIFEST,
    MAIN,
    { name: 'null', type: 'character-device', devmajor: 1, devminor: 3 },
  ],
  'a pipe': [MANIFEST, MAIN, { name: 'p', type: 'fifo' }],
  'a file twice': [MANIFEST, MAIN, { name: 'main.js', body: 'other' }],
  'a backslash': [MANIFEST, MAIN, { name: '..\\evil.js', body: 'x' }],
  'a control character': [MANIFEST, MAIN, { name: 'a\u001B[2J', body: 'x' }],
  'a folder that is a file': [MANIFEST, MAIN, { name: 'main.js/x', body: 'x' }],
};

describe('an archive that is no app', () => {
  for (const [what, entries] of Object.entries(HOSTILE)) {
    it(`is refused for ${what}, and leaves nothing`, async () => {
      const before = await appsOnDisk();
      const { status, reason, json } = await upload(gzipSync(await tarOf(entries)));
      assert.deepEqual([status, reason], [400, 'BAD_ARCHIVE'], json?.message);
      assert.ok(json.message.length > 20, json.message);
      assert.deepEqual(await appsOnDisk(), before);
      assert.equal((await client.ask('/apps/evil/')).status, 404);
    });
  }

  it('is refused for being a bomb, damaged, or something else', async () => {
    const before = await appsOnDisk();
    const zeros = Buffer.alloc(400 * MIB);
    const bomb = gzipSync(await tarOf([MANIFEST, { name: 'zeros', body: zeros }]), { level: 1 });
    const tooMuch = await upload(bomb);
    assert.deepEqual([tooMuch.status, tooMuch.reason], [413, 'ARCHIVE_TOO_LARGE']);
    const dense = gzipSync(
      await tarOf([MANIFEST, { name: 'z', body: zeros.subarray(0, 150 * MIB) }]),
    );
    const good = await appArchive('evil', '1.0.0');
    const bodies = [dense, good.subarray(0, -20), Buffer.from('PK\u0003\u0004'), Buffer.alloc(10)];
    for (const body of bodies) {
      const { status, json } = await upload(body);
      assert.equal(status, body === dense ? 413 : 400, json?.message);
      assert.deepEqual(await appsOnDisk(), before);
    }
    const empty = await upload(Buffer.alloc(0));
    assert.equal(empty.status, 400);
    const wrong = { ...UPLOAD, 'content-type': 'application/zip' };
    const zip = await client.ask('/api/v1/apps', { method: 'POST', headers: wrong, body: good });
    assert.equal(zip.status, 415);
  });

  it('is told everything that is wrong with its manifest', async () => {
    const manifest = {
      ...{ entrypoint: 'nowhere.js', concurrency: 0, max_memory: '2GiB', colour: 'red' },
      ...{ env: { NODE_OPTIONS: '--inspect' }, cron: [{ schedule: 'often', path: 'tick' }] },
      ...{ on: ['machine.exploded'], allowed_hosts: ['http://a/'], grants: ['worker'] },
    };
    const { status, json } = await upload(await appArchive('Evil_', '1', { manifest }));
    assert.equal(status, 400);
    const fields = [
      ...['name', 'version', 'concurrency', 'max_memory', 'colour', 'NODE_OPTIONS'],
      ...['cron[0].schedule', 'cron[0].path', 'on[0]', 'allowed_hosts[0]', 'grants', 'apps.allow'],
    ];
    for (const field of fields)
      assert.ok(json.message.includes(field), `${field}: ${json.message}`);
    const without = await upload(await appArchive('evil', '1.0.0', { files: { 'x.js': '' } }));
    assert.match(without.json.message, /entrypoint/);
  });

  it('leaves nothing when it is cut off on its way', async () => {
    const before = await appsOnDisk();
    const body = await appArchive('evil', '1.0.0');
    const head = [
      ...['POST /api/v1/apps HTTP/1.1', 'Host: a', `Authorization: Bearer ${OPERATOR}`],
      ...['Content-Type: application/gzip', `Content-Length: ${body.length}`, '', ''],
    ];
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(head.join('\r\n'));
    socket.write(body.subarray(0, -10));
    const incoming = join(server.dataDir, 'apps/.incoming');
    await until(async () => (await readdir(incoming)).length > 0 || undefined, 'its beginning');
    socket.destroy();
    assert.deepEqual(await appsOnDisk(), before);
    assert.equal((await client.ask('/apps/evil/')).status, 404);
    using slow = await openRawClient(server.port);
    slow.send(`${head.join('\r\n')}${body.toString('latin1')}`);
    assert.match(await slow.receive('"version":"1.0.0"'), /^HTTP\/1.1 201 /, 'whole it is one');
  });
});

describe('deploys of one app', () => {
  it('at once follow one another, and a version is there once', async () => {
    const versions = ['1.0.0', '1.1.0', '1.2.0', '1.2.0'];
    const archives = await Promise.all(versions.map((version) => appArchive('busy', version)));
    const answers = await Promise.all(archives.map(upload));
    assert.deepEqual(answers.map(({ status, reason }) => reason ?? String(status)).toSorted(), [
      ...['201', '201', '201'],
      'VERSION_EXISTS',
    ]);
    const { json } = await client.read('/api/v1/apps/busy');
    assert.deepEqual(json.versions.map(({ version }: Json) => version).toSorted(), [
      '1.0.0',
      '1.1.0',
      '1.2.0',
    ]);
  });

  it('fail when the disk is full, and the version before goes on', async (t) => {
    using disk = SmallDisk.mount(t, 64);
    if (disk === undefined) return;
    await using small = await openTestServer({ dataDir: disk.path, workers: { warm: 0 } });
    using its = new PoolClient(small.url);
    await its.deploy({ app: 'hello', name: 'hello', manifest: { min_workers: 1 } });
    assert.equal((await its.ask('/apps/hello/')).status, 200);
    disk.fill('blocks');
    const deploying = its.deploy({ app: 'hello', name: 'hello', version: '2.0.0' });
    await assert.rejects(deploying, /: 507 .*"resource_exhausted".*DISK_FULL/);
    assert.equal((await its.ask('/apps/hello/')).text, 'hello from /');
    assert.equal((await its.ask('/apps/hello@2/')).status, 404);
    assert.deepEqual(await appsOnDisk(disk.path), ['hello']);
    disk.makeRoom();
    await its.deploy({ app: 'hello', name: 'hello', version: '2.0.0' });
    assert.equal((await its.ask('/apps/hello@2/')).status, 200);
  });
});
