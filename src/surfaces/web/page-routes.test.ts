import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { openTestListener, type TestListener } from '#test/edge-listener.ts';
import { registerPage } from './page-routes.ts';

const HTML = '<!doctype html><div id="root"></div>';
const SCRIPT = 'console.log(1);'.repeat(50);
const NAVIGATION = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Without what `fetch` does by itself: it asks for compression and undoes it. */
function ask(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sent = request(url, { method, headers }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => {
      const { statusCode: status = 0, headers: answered } = response;
      resolve({ status, headers: answered, body: Buffer.concat(chunks) });
    });
  });
  sent.on('error', reject);
  sent.end();
  return promise;
}

describe('the page', () => {
  let directory: string;
  let served: TestListener;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'drover-page-'));
    served = await openTestListener((app) => {
      registerPage(app, { directory });
      app.get('/jobs/:id', async () => ({ id: 1 }));
      app.post('/vms/shutdown', async () => ({}));
    });
  });
  after(async () => {
    await served[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  it('says how to build it while it is not there', async () => {
    const { status, body, headers } = await ask(`${served.url}/`);
    assert.equal(status, 503);
    assert.match(body.toString(), /node scripts\/build-web\.ts/);
    assert.match(String(headers['content-security-policy']), /default-src 'none'/);
  });

  it('is there as soon as it is built', async () => {
    await mkdir(join(directory, 'assets'));
    for (const [name, text] of [
      ['assets/app-1a2b.js', SCRIPT],
      ['index.html', HTML],
    ] as const) {
      await writeFile(join(directory, `${name}.gz`), gzipSync(text));
      await writeFile(join(directory, `${name}.br`), brotliCompressSync(text));
      await writeFile(join(directory, name), text);
    }
    await writeFile(join(directory, '.built-from'), 'a stamp');
    const { status, body } = await ask(`${served.url}/`);
    assert.equal(status, 200);
    assert.equal(body.toString(), HTML);
  });

  it('is asked for again each time, and told that it is the same', async () => {
    const { headers } = await ask(`${served.url}/`);
    assert.match(String(headers['cache-control']), /no-cache/);
    const etag = String(headers['etag']);
    const again = await ask(`${served.url}/`, { 'if-none-match': `W/${etag}` });
    assert.deepEqual([again.status, again.body.byteLength], [304, 0]);
    assert.equal((await ask(`${served.url}/`, { 'if-none-match': '"x"' })).status, 200);
  });

  it('has files that are kept for ever, in the best form the browser takes', async () => {
    const url = `${served.url}/assets/app-1a2b.js`;
    const plain = await ask(url);
    assert.equal(plain.headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.equal(plain.headers['content-type'], 'text/javascript; charset=utf-8');
    assert.equal(plain.body.toString(), SCRIPT);
    for (const [accepted, encoding, bytes] of [
      ['gzip, deflate, br', 'br', brotliCompressSync(SCRIPT)],
      ['gzip, br;q=0', 'gzip', gzipSync(SCRIPT)],
    ] as const) {
      const { headers, body } = await ask(url, { 'accept-encoding': accepted });
      assert.equal(headers['content-encoding'], encoding);
      assert.equal(headers['vary'], 'accept-encoding');
      assert.deepEqual(body, bytes);
    }
  });

  it('answers HEAD with what GET would say', async () => {
    const { status, headers, body } = await ask(`${served.url}/assets/app-1a2b.js`, {}, 'HEAD');
    assert.equal(status, 200);
    assert.equal(headers['content-length'], String(SCRIPT.length));
    assert.equal(body.byteLength, 0);
  });

  it('has addresses of its own, wherever no API is', async () => {
    for (const path of ['/machines', '/machines/vm-1?tab=console', '/migrations/schedules/x.y']) {
      const { status, body } = await ask(served.url + path, NAVIGATION);
      assert.deepEqual([status, body.toString()], [200, HTML], path);
    }
  });

  it('leaves what is not there to who says so', async () => {
    const missing: readonly (readonly [path: string, headers: Record<string, string>])[] = [
      ['/machines', {}],
      ['/machines', { accept: '*/*' }],
      ['/machines', { accept: 'application/json, text/html;q=0.5' }],
      ['/jobs/1/nothing', NAVIGATION],
      ['/vms/nothing', NAVIGATION],
      ['/assets/app-0000.js', NAVIGATION],
      ['/assets/..%2findex.html', NAVIGATION],
      ['/assets/.built-from', NAVIGATION],
    ];
    for (const [path, headers] of missing) {
      const answer = await ask(served.url + path, headers);
      assert.equal(answer.status, 404, path);
      assert.match(String(answer.headers['content-type']), /json/, path);
    }
    assert.equal((await ask(`${served.url}/machines`, NAVIGATION, 'POST')).status, 404);
    assert.equal((await ask(`${served.url}/vms/shutdown`, NAVIGATION)).status, 405);
  });
});
