/** Who may call what, and how much at a time. What becomes of a call: egress-call.test.ts. */
import assert from 'node:assert/strict';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import { createTestCertificates } from '#test/certificates.ts';
import { bindingOf, EgressCaller, openEgress, resolverOf } from '#test/egress-caller.ts';
import { listening, openServer } from '#test/loopback-server.ts';
import { until } from '#test/until.ts';

const LOCAL = bindingOf('127.0.0.1');

describe('what an app must not fetch', () => {
  const open = async (hosts: readonly string[], url: string, allowPrivate: boolean) => {
    const resolve = resolverOf({
      localhost: ['127.0.0.1', '::1'],
      'inside.test': ['127.0.0.1'],
      'cloud.test': ['169.254.169.254'],
      'mixed.test': ['10.0.0.1', 'fe80::1'],
    });
    await using egress = openEgress({ allowPrivate, resolve });
    return await new EgressCaller(egress.answererFor(bindingOf(...hosts)), url).ended;
  };

  it('is refused with the name of the host and of the key that would allow it', async () => {
    const error = await open(['api.example.com'], 'https://evil.test/', false);
    assert.equal(error?.kind, 'permission_denied');
    assert.equal(error?.reason, 'EGRESS_REFUSED');
    assert.match(error?.message ?? '', /evil\.test: allowed_hosts of its manifest/);
  });

  const PRIVATE = ['http://127.0.0.1/', 'http://[::1]/', 'http://10.1.2.3/', 'http://localhost/'];
  for (const url of [...PRIVATE, 'http://inside.test/', 'http://mixed.test/']) {
    it(`has ${url} in it, unless the manifest and the operators say otherwise`, async () => {
      const { hostname } = new URL(url);
      const inManifest = /allowed_hosts of the manifest must name it in full/;
      const inSettings = /operator must turn on the setting apps\.privateAddresses/;
      for (const [host, allowPrivate, wanted, unwanted] of [
        ['*', false, [inManifest, inSettings], undefined],
        ['*', true, [inManifest], inSettings],
        [hostname, false, [inSettings], inManifest],
      ] as const) {
        const error = await open([host], url, allowPrivate);
        assert.equal(error?.reason, 'EGRESS_REFUSED', `${host} ${allowPrivate}`);
        assert.equal(error?.kind, 'permission_denied');
        for (const one of wanted) assert.match(error?.message ?? '', one);
        if (unwanted !== undefined) assert.doesNotMatch(error?.message ?? '', unwanted);
      }
    });
  }

  for (const url of ['http://169.254.169.254/', 'http://cloud.test/', 'http://[fe80::1]/']) {
    it(`has ${url} in it whoever says otherwise`, async () => {
      const error = await open([new URL(url).hostname], url, true);
      assert.equal(error?.reason, 'EGRESS_REFUSED');
      assert.match(error?.message ?? '', /never called/);
    });
  }

  for (const url of ['ftp://example.com/', 'file:///etc/passwd', 'ws://example.com/', 'nonsense']) {
    it(`has ${url} in it`, async () => {
      assert.match((await open(['*'], url, false))?.message ?? '', /only http/);
    });
  }

  it('has a name or password in it', async () => {
    for (const user of ['me', ':secret', 'example.com:80']) {
      const error = await open(['*'], `http://${user}@inside.test/`, true);
      assert.match(error?.message ?? '', /inside\.test must have no user name or password/);
    }
  });

  it('has tunnels and sockets in it', async () => {
    await using egress = openEgress();
    for (const asked of [
      { method: 'CONNECT' },
      { method: 'trace' },
      { isUpgrade: true } as const,
    ]) {
      const call = new EgressCaller(
        egress.answererFor(bindingOf('*')),
        'http://example.com/',
        asked,
      );
      assert.equal((await call.ended)?.reason, 'EGRESS_REFUSED');
    }
  });

  it('is decided by the very address that is connected to', async () => {
    await using server = await openServer((_request, response) => response.end('inside'));
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    const asked: string[] = [];
    const resolve = async (name: string) => {
      asked.push(name);
      return (answers.shift() ?? []).map((address) => ({ address, family: 4 as const }));
    };
    await using egress = openEgress({ resolve });
    const url = `http://rebind.test:${server.port}/`;
    const worker = egress.answererFor(bindingOf('rebind.test'));
    const call = new EgressCaller(worker, url);
    assert.equal(await call.ended, undefined);
    assert.equal(call.text, 'inside');
    assert.deepEqual(asked, ['rebind.test']);
    // Another connection is another look-up, and judged anew.
    const others = egress.answererFor(bindingOf('rebind.test'));
    const again = new EgressCaller(others, url);
    assert.match((await again.ended)?.message ?? '', /a metadata service, which is never called/);
    assert.equal(asked.length, 2);
  });

  it('is not reached over the connection of an app that may', async () => {
    await using server = await openServer((_request, response) => response.end('inside'));
    await using egress = openEgress({ resolve: resolverOf({ 'inside.test': ['127.0.0.1'] }) });
    const named = egress.answererFor(bindingOf('127.0.0.1', 'inside.test'));
    assert.equal(await new EgressCaller(named, server.url).ended, undefined);
    const byName = new EgressCaller(named, `http://inside.test:${server.port}/`);
    assert.equal(await byName.ended, undefined);
    const name = `http://inside.test:${server.port}/`;
    for (const url of [server.url, name]) {
      const other = new EgressCaller(egress.answererFor(bindingOf('*')), url);
      assert.equal((await other.ended)?.reason, 'EGRESS_REFUSED');
    }
  });
});

describe('the host of a URL', () => {
  it('is the same with a dot behind it, and is told to the server without', async () => {
    await using server = await openServer((request, response) =>
      response.end(request.headers.host),
    );
    const resolve = resolverOf({ 'inside.test': ['127.0.0.1'] });
    await using egress = openEgress({ resolve });
    const worker = egress.answererFor(bindingOf('inside.test'));
    const call = new EgressCaller(worker, `http://INSIDE.test.:${server.port}/`);
    assert.equal(await call.ended, undefined);
    assert.equal(call.text, `inside.test:${server.port}`);
    assert.deepEqual(resolve.asked, ['inside.test']);
  });
});

describe('many calls of one worker', () => {
  it('are made 64 at a time, and 192 others after them', async () => {
    const waiting: (() => void)[] = [];
    let most = 0;
    await using server = await openServer((request, response) => {
      if (request.url === '/other') response.end('ok');
      else waiting.push(() => response.end('ok'));
      most = Math.max(most, waiting.length);
    });
    await using egress = openEgress();
    const worker = egress.answererFor(LOCAL);
    const calls = Array.from({ length: 256 }, () => new EgressCaller(worker, server.url));
    const tooMany = new EgressCaller(worker, server.url);
    assert.equal((await tooMany.ended)?.reason, 'EGRESS_BUSY');
    assert.match((await tooMany.ended)?.message ?? '', /too many requests of the worker/);
    await until(() => (waiting.length >= 64 ? true : undefined), '64 calls');
    // Another worker is not held up.
    const other = new EgressCaller(egress.answererFor(LOCAL), `${server.url}/other`);
    assert.equal(await other.ended, undefined);
    // One that gives up while it waits leaves no hole behind.
    calls.at(-1)?.handler.onAbort();
    for (let done = 0; done < 255; done += 1) {
      const next = await until(() => waiting.shift(), 'a call');
      next();
    }
    const ended = await Promise.all(calls.slice(0, 255).map((call) => call.ended));
    assert.deepEqual(new Set(ended), new Set([undefined]));
    assert.equal(most, 64);
    assert.equal(calls.at(-1)?.endings, 0);
  });

  it('wait a minute for their turn', async () => {
    const clock = new FakeClock();
    let arrived = 0;
    await using server = await openServer(() => {
      arrived += 1;
    });
    await using egress = openEgress({ clock });
    const worker = egress.answererFor(LOCAL);
    // Their bodies are the app's to go on with, and nothing hurries it.
    const asked = { method: 'PUT', hasBody: true };
    const calls = Array.from({ length: 64 }, () => new EgressCaller(worker, server.url, asked));
    await until(() => (arrived === 64 ? true : undefined), '64 calls');
    const last = new EgressCaller(worker, server.url);
    await clock.advance(MINUTE_MS);
    assert.equal((await last.ended)?.kind, 'unavailable');
    assert.match((await last.ended)?.message ?? '', /too many .*: no turn came within 60 s/);
    assert.deepEqual(new Set(calls.map((call) => call.endings)), new Set([0]));
    assert.equal(clock.pendingTimers, 0);
  });

  it('keep few idle connections, however many hosts there are', async () => {
    const open = new Set<Socket>();
    await using server = await openServer((request, response) => {
      open.add(request.socket);
      request.socket.once('close', () => open.delete(request.socket));
      response.end();
    });
    const names = Array.from({ length: 40 }, (_, at) => `host${at}.test`);
    const table = Object.fromEntries(names.map((name) => [name, ['127.0.0.1']]));
    await using egress = openEgress({ resolve: resolverOf(table) });
    const worker = egress.answererFor(bindingOf(...names));
    for (const name of names) {
      const call = new EgressCaller(worker, `http://${name}:${server.port}/`);
      assert.equal(await call.ended, undefined);
    }
    await until(() => (open.size <= 16 ? true : undefined), 'the rest to be closed');
    assert.equal(open.size, 16);
  });
});

describe('https', () => {
  it('is spoken with the name of the host, which the certificate must have', async () => {
    const { ca, server: pair } = createTestCertificates();
    const names: unknown[] = [];
    const { ca: stranger } = createTestCertificates();
    await using server = await listening(
      createTlsServer(pair, (request, response) => {
        names.push(Reflect.get(request.socket, 'servername'));
        response.end('secret');
      }),
    );
    const resolve = resolverOf({ localhost: ['127.0.0.1'], 'wrong.test': ['127.0.0.1'] });
    await using egress = openEgress({ resolve, ca: ca.cert });
    const binding = bindingOf('localhost', 'wrong.test');
    const right = new EgressCaller(
      egress.answererFor(binding),
      `https://localhost:${server.port}/`,
    );
    assert.equal(await right.ended, undefined);
    assert.equal(right.text, 'secret');
    assert.deepEqual(names, ['localhost']);
    const wrong = new EgressCaller(
      egress.answererFor(binding),
      `https://wrong.test:${server.port}/`,
    );
    assert.match((await wrong.ended)?.message ?? '', /certificate.*ALTNAME/);
    assert.equal((await wrong.ended)?.kind, 'unavailable');
    for (const own of [{}, { ca: stranger.cert }]) {
      await using distrustful = openEgress({ resolve, ...own });
      const worker = distrustful.answererFor(binding);
      const call = new EgressCaller(worker, `https://localhost:${server.port}/`);
      assert.match((await call.ended)?.message ?? '', /certificate/);
    }
    assert.equal(names.length, 1);
  });
});

describe('an egress that is closed', () => {
  it('ends what is open or waits, closes idle connections too, and begins nothing', async () => {
    const open = new Set<Socket>();
    const arrived = Promise.withResolvers<void>();
    await using server = await openServer((request, response) => {
      open.add(request.socket);
      request.socket.once('close', () => open.delete(request.socket));
      if (request.url === '/idle') response.end();
      else arrived.resolve();
    });
    const egress = openEgress();
    const worker = egress.answererFor(LOCAL);
    assert.equal(await new EgressCaller(worker, `${server.url}/idle`).ended, undefined);
    const calls = Array.from({ length: 70 }, () => new EgressCaller(worker, server.url));
    await arrived.promise;
    await egress[Symbol.asyncDispose]();
    for (const call of calls) {
      assert.equal((await call.ended)?.reason, 'SHUTTING_DOWN');
      assert.equal(call.endings, 1);
    }
    await until(() => (open.size === 0 ? true : undefined), 'the server to see it');
    const late = new EgressCaller(worker, server.url);
    assert.equal((await late.ended)?.reason, 'SHUTTING_DOWN');
  });
});
