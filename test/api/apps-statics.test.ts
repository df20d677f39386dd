import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AppManifest } from '#workers/apps/app.ts';
import { openApps, testVersion, type AppsFixture } from '#test/apps-fixture.ts';
import { http2Request } from '#test/http2-client.ts';

const HTML = { accept: 'text/html,*/*;q=0.8' };
let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-statics-'));
  const files: Record<string, string> = {
    'app/manifest.yaml': 'name: site',
    'app/app.ts': 'code',
    'app/secret.txt': 'not for all',
    'app/public/index.html': '<p>home',
    'app/public/site.css': 'p { color: red }',
    'app/public/a b/ü.txt': 'umlaut',
    'app/public/docs/index.html': '<p>docs',
    'app/public/empty/readme.txt': 'no index here',
    'app/public/none.txt': '',
    'app/public/.env': 'secret',
    'app/public/.git/config': 'secret',
    'outside.txt': 'outside',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const links: Record<string, string> = {
    'out.txt': '../../outside.txt',
    'up.txt': '../secret.txt',
    'hidden.txt': '.env',
    'alias.css': 'site.css',
    round: '.',
    'broken.txt': 'nowhere',
  };
  for (const [name, target] of Object.entries(links)) {
    await symlink(target, join(folder, 'app/public', name));
  }
});

after(() => rm(folder, { recursive: true }));

function site(manifest: Partial<AppManifest> = {}) {
  const statics = { directory: 'public', fallback: undefined };
  return testVersion('site', { entrypoint: undefined, statics, ...manifest }, join(folder, 'app'));
}

async function ask(
  apps: AppsFixture,
  path: string,
  { method = 'GET', ...headers }: Record<string, string> = {},
) {
  const to = { host: '127.0.0.1', port: apps.port, path: `/apps/site${path}` };
  const request = http.request({ ...to, method, headers, agent: false }).end();
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const chunk of answer.setEncoding('utf8')) body += chunk;
  return { status: answer.statusCode, headers: answer.headers, body };
}

describe('the static files of an app', () => {
  it('come with type, length, tag and date, and may be kept only if asked after', async () => {
    await using apps = await openApps({ versions: [site()] });
    const { status, headers, body } = await ask(apps, '/site.css');
    assert.deepEqual([status, body], [200, 'p { color: red }']);
    assert.equal(headers['content-type'], 'text/css; charset=utf-8');
    assert.equal(headers['content-length'], '16');
    assert.equal(headers['cache-control'], 'no-cache');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.match(headers.etag ?? '', /^W\/"/);
    assert.ok(Date.parse(headers['last-modified'] ?? '') > 0);
  });

  it('are not sent again to who has them', async () => {
    await using apps = await openApps({ versions: [site()] });
    const { headers } = await ask(apps, '/site.css');
    const byTag = await ask(apps, '/site.css', { 'if-none-match': headers.etag ?? '' });
    assert.deepEqual([byTag.status, byTag.body], [304, '']);
    assert.equal(byTag.headers.etag, headers.etag);
    const since = { 'if-modified-since': headers['last-modified'] ?? '' };
    assert.equal((await ask(apps, '/site.css', since)).status, 304);
    const other = await ask(apps, '/site.css', { 'if-match': '"other"' });
    assert.equal(other.status, 412);
  });

  it('come in parts', async () => {
    await using apps = await openApps({ versions: [site()] });
    const part = await ask(apps, '/site.css', { range: 'bytes=4-8' });
    assert.deepEqual([part.status, part.body], [206, 'color']);
    assert.equal(part.headers['content-range'], 'bytes 4-8/16');
    const beyond = await ask(apps, '/site.css', { range: 'bytes=99-' });
    assert.equal(beyond.status, 416);
    assert.equal(beyond.headers['content-range'], 'bytes */16');
  });

  it('answer HEAD, over HTTP/2 too, and an empty one', async () => {
    await using apps = await openApps({ versions: [site()] });
    const head = await ask(apps, '/site.css', { method: 'HEAD' });
    assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', '16']);
    assert.deepEqual((await ask(apps, '/none.txt')).body, '');
    const session = http2.connect(apps.url);
    const answer = await http2Request(session, { ':path': '/apps/site/site.css' });
    assert.equal(answer.body, 'p { color: red }');
    session.close();
  });

  const found: readonly (readonly [string, string])[] = [
    ['/', '<p>home'],
    ['/index.html', '<p>home'],
    ['/docs/', '<p>docs'],
    ['/docs/?a=b', '<p>docs'],
    ['/a%20b/%C3%BC.txt', 'umlaut'],
    ['/s%69te.css', 'p { color: red }'],
    ['/docs%2Findex.html', '<p>docs'],
    ['/alias.css', 'p { color: red }'],
  ];
  for (const [path, body] of found) {
    it(`has ${path}`, async () => {
      await using apps = await openApps({ versions: [site()] });
      assert.equal((await ask(apps, path)).body, body);
    });
  }

  it('lead from a folder to its slash', async () => {
    await using apps = await openApps({ versions: [site()] });
    const answer = await ask(apps, '/docs?a=b');
    assert.deepEqual([answer.status, answer.headers.location], [308, '/apps/site/docs/?a=b']);
    const slashes = await ask(apps, '//docs');
    assert.equal(slashes.status, 404);
  });

  const missing = [
    ...['/nothing.txt', '/empty/', '/empty', '/site.css/', '/.env', '/.git/config', '/%2eenv'],
    ...['/out.txt', '/up.txt', '/hidden.txt', '/broken.txt', '/round/site.css', '/site.css%00'],
    ...[
      '/%2e%2e%2fsecret.txt',
      '/..%2fsecret.txt',
      '/..%5csecret.txt',
      '//site.css',
      '/./site.css',
    ],
    ...['/docs/..%2f..%2fapp.ts', '/%252e%252e/secret.txt', '/app.ts', '/manifest.yaml'],
  ];
  for (const path of missing) {
    it(`have no ${path}`, async () => {
      await using apps = await openApps({ versions: [site()] });
      const { status, body } = await ask(apps, path, HTML);
      assert.equal(status, 404, body);
    });
  }

  for (const path of ['/../secret.txt', '/%2e%2e/secret.txt', '/docs/../../app.ts', '/\\..\\x']) {
    it(`refuse ${path}`, async () => {
      await using apps = await openApps({ versions: [site()] });
      assert.equal((await ask(apps, path)).status, 400);
    });
  }

  it('leave out manifest and code where the whole folder is public', async () => {
    const statics = { directory: '.', fallback: undefined };
    await using apps = await openApps({ versions: [site({ statics, entrypoint: 'app.ts' })] });
    assert.equal((await ask(apps, '/public/site.css')).body, 'p { color: red }');
    // Those paths are the app's to answer.
    for (const path of ['/app.ts', '/manifest.yaml']) {
      assert.equal((await ask(apps, path)).body, 'ok', path);
    }
  });

  it('fall back to a page for who wants a page', async () => {
    const statics = { directory: 'public', fallback: 'index.html' };
    await using apps = await openApps({ versions: [site({ statics })] });
    assert.equal((await ask(apps, '/deep/link', HTML)).body, '<p>home');
    assert.equal((await ask(apps, '/deep/link', { ...HTML, method: 'HEAD' })).status, 200);
    assert.equal((await ask(apps, '/missing.js')).status, 404);
    assert.equal((await ask(apps, '/missing.js', { accept: '*/*' })).status, 404);
    assert.equal((await ask(apps, '/x', { accept: 'text/html;q=0, */*' })).status, 404);
  });

  it('of an app without code answer no other methods', async () => {
    await using apps = await openApps({ versions: [site()] });
    const answer = await ask(apps, '/site.css', { method: 'POST' });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.allow, 'GET, HEAD');
  });

  it('come before the code of an app, which gets the rest', async () => {
    await using apps = await openApps({ versions: [site({ entrypoint: 'app.ts' })] });
    assert.equal((await ask(apps, '/site.css')).body, 'p { color: red }');
    assert.equal(apps.pool.calls.length, 0);
    assert.equal((await ask(apps, '/api/x', HTML)).body, 'ok');
    assert.equal((await ask(apps, '/site.css', { method: 'POST' })).body, 'ok');
    assert.equal(apps.pool.calls.length, 2);
  });

  it('obey the access of the app', async () => {
    await using apps = await openApps({ versions: [site({ access: 'token' })] });
    assert.equal((await ask(apps, '/site.css')).status, 401);
    const authorization = 'Bearer dev_customer_1';
    const { status, headers } = await ask(apps, '/site.css', { authorization });
    assert.deepEqual([status, headers['cache-control']], [200, 'private, no-cache']);
  });

  it('that were deleted behind our back are missing', async () => {
    await using apps = await openApps({ versions: [site()] });
    const path = join(folder, 'app/public/late.txt');
    await writeFile(path, 'late');
    assert.equal((await ask(apps, '/late.txt')).body, 'late');
    await rm(path);
    assert.equal((await ask(apps, '/late.txt')).status, 404);
  });
});
