import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { describe, it } from 'node:test';
import { DroverError, type ErrorKind } from '#kernel/errors.ts';
import type { ErrorBody } from '#surfaces/edge/http-errors.ts';
import { openApps, type AppsFixture, type PoolCall } from '#test/apps-fixture.ts';
import { http2Request } from '#test/http2-client.ts';
import { openRawClient } from '#test/raw-client.ts';

interface Asked {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

type Ask = (
  apps: AppsFixture,
  path: string,
  options?: { method?: string; headers?: Record<string, string>; body?: string },
) => Promise<Asked>;

const overHttp1: Ask = async (apps, path, { method = 'GET', headers = {}, body } = {}) => {
  // As it is written: a URL would put the path straight.
  const to = { host: '127.0.0.1', port: apps.port, path };
  const request = http.request({ ...to, method, headers, agent: false });
  request.end(body);
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += chunk;
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: text };
};

const overHttp2: Ask = async (apps, path, { method = 'GET', headers = {}, body } = {}) => {
  const session = http2.connect(apps.url);
  try {
    const asked = { ':path': path, ':method': method, ...headers };
    return await http2Request(session, asked, body);
  } finally {
    session.close();
  }
};

const PROTOCOLS: readonly (readonly [string, Ask])[] = [
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
];

for (const [protocol, ask] of PROTOCOLS) {
  describe(`an app over ${protocol}`, () => {
    it('is asked without the base, and told it', async () => {
      await using apps = await openApps();
      const answer = await ask(apps, '/apps/shop@1/a%2Fb//c?x=1', {
        headers: { 'x-request-id': 'r-1' },
      });
      assert.equal(answer.body, 'ok');
      assert.equal(answer.headers['x-request-id'], 'r-1');
      const call = await apps.pool.call();
      assert.equal(call.head.url, `http://127.0.0.1:${apps.port}/a%2Fb//c?x=1`);
      assert.deepEqual(call.header('x-base'), ['/apps/shop@1']);
      assert.deepEqual(call.header('x-request-id'), ['r-1']);
      assert.deepEqual(call.header('host'), [`127.0.0.1:${apps.port}`]);
      assert.equal(call.head.caller, undefined);
      assert.equal(call.head.hasBody, false);
    });

    it('gets every method', async () => {
      await using apps = await openApps();
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        assert.equal((await ask(apps, '/apps/shop/', { method })).status, 200, method);
        assert.equal(apps.pool.calls.at(-1)?.head.method, method);
      }
      assert.equal((await ask(apps, '/apps/shop/', { method: 'TRACE' })).status, 405);
    });

    it('gets a short body with the head, of whatever type', async () => {
      await using apps = await openApps();
      const headers = { 'content-type': 'what ever', 'content-length': '5' };
      await ask(apps, '/apps/shop/', { method: 'POST', headers, body: 'hello' });
      const call = await apps.pool.call();
      assert.equal(Buffer.from(call.body ?? []).toString(), 'hello');
      assert.equal(call.head.hasBody, false);
      assert.deepEqual(call.header('content-length'), ['5']);
    });

    it('gets a long body as it comes, and its end', async () => {
      await using apps = await openApps({ script: () => undefined });
      const body = 'x'.repeat(200_000);
      const asked = ask(apps, '/apps/shop/', { method: 'POST', body });
      const call = await apps.pool.call();
      assert.equal(call.head.hasBody, true);
      await call.until(({ hasEnded }) => hasEnded);
      assert.equal(call.text, body);
      call.answer(200, [], 'taken');
      assert.equal((await asked).body, 'taken');
    });

    it('answers with several cookies, and a length', async () => {
      await using apps = await openApps({
        script: (call) => call.answer(201, ['Set-Cookie', 'a=1', 'set-cookie', 'b=2'], 'four'),
      });
      const answer = await ask(apps, '/apps/shop/');
      assert.equal(answer.status, 201);
      assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
      assert.equal(answer.headers['content-length'], '4');
    });

    it('answers any bytes as they are', async () => {
      const text = 'grün 漢字 \u{1f600}\0';
      for (const body of [text, text.repeat(1000)]) {
        await using apps = await openApps({ script: (call) => call.answer(200, [], body) });
        assert.equal((await ask(apps, '/apps/shop/')).body, body);
      }
    });

    it('answers in pieces', async () => {
      await using apps = await openApps({
        script: ({ handler }) => {
          handler.onHead({ status: 200, headers: ['x-a', '1'] }, undefined);
          handler.onData(Buffer.from('one '));
          handler.onData(Buffer.from('two'));
          handler.onEnd();
        },
      });
      const answer = await ask(apps, '/apps/shop/');
      assert.equal(answer.body, 'one two');
      assert.equal(answer.headers['content-length'], undefined);
    });

    it('answers HEAD, 204 and 304 without a body', async () => {
      await using apps = await openApps({
        script: ({ handler, head }) => {
          const status = Number(new URL(head.url).pathname.slice(1));
          handler.onHead({ status, headers: ['content-length', '9', 'etag', '"x"'] }, undefined);
          handler.onData(Buffer.from('forbidden'));
          handler.onEnd();
        },
      });
      const head = await ask(apps, '/apps/shop/200', { method: 'HEAD' });
      assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', '9']);
      const unchanged = await ask(apps, '/apps/shop/304');
      assert.deepEqual([unchanged.status, unchanged.body], [304, '']);
      const empty = await ask(apps, '/apps/shop/204');
      assert.deepEqual([empty.status, empty.body], [204, '']);
      assert.equal(empty.headers['content-length'], undefined);
    });

    const malformed: readonly (readonly [string, number, string[]])[] = [
      ['a status that is none', 1000, []],
      ['a status of before an answer', 101, []],
      ['a line break in a header', 200, ['x-good', 'a', 'x-bad', 'a\r\nset-cookie: b']],
      ['a header without a name', 200, ['x y', 'a']],
    ];
    for (const [what, status, headers] of malformed) {
      it(`that answers ${what} is a 500 of its own`, async () => {
        await using apps = await openApps({ script: (call) => call.answer(status, headers, 'x') });
        const answer = await ask(apps, '/apps/shop/');
        assert.equal(answer.status, 500);
        assert.equal(answer.headers['x-good'], undefined);
        assert.equal((JSON.parse(answer.body) as ErrorBody).details[0]?.reason, 'APP_ERROR');
      });
    }

    it('that answers otherwise than its length says is cut off', async () => {
      for (const text of ['short', 'much too long']) {
        await using apps = await openApps({
          script: ({ handler }) => {
            handler.onHead({ status: 200, headers: ['content-length', '8'] }, undefined);
            handler.onData(Buffer.from(text));
            handler.onEnd();
          },
        });
        await assert.rejects(ask(apps, '/apps/shop/'), text);
      }
    });

    const FAILURES: readonly (readonly [ErrorKind, string, number])[] = [
      ['unavailable', 'QUEUE_FULL', 503],
      ['unavailable', 'QUEUE_TIMEOUT', 503],
      ['unavailable', 'WORKER_CRASHED', 503],
      ['unavailable', 'WORKER_OUT_OF_MEMORY', 503],
      ['unavailable', 'APP_FAILING', 503],
      ['unavailable', 'SHUTTING_DOWN', 503],
      ['deadline_exceeded', 'REQUEST_TIMEOUT', 504],
      ['not_found', 'APP_NOT_FOUND', 404],
      ['internal', 'APP_ERROR', 500],
    ];
    for (const [kind, reason, status] of FAILURES) {
      it(`that fails with ${reason} is ${status}`, async () => {
        const metadata: Record<string, string> = status === 503 ? { retryAfter: '7' } : {};
        await using apps = await openApps({
          script: ({ handler }) =>
            handler.onFail(new DroverError(kind, 'why', { reason, metadata })),
        });
        const answer = await ask(apps, '/apps/shop/', { method: 'POST', body: 'hello' });
        assert.equal(answer.status, status);
        assert.equal(answer.headers['retry-after'], status === 503 ? '7' : undefined);
        const { details, message } = JSON.parse(answer.body) as ErrorBody;
        assert.deepEqual([details[0]?.reason, message], [reason, 'why']);
      });
    }

    it('that fails in the middle of its answer breaks it off', async () => {
      await using apps = await openApps({
        script: ({ handler }) => {
          handler.onHead({ status: 200, headers: [] }, undefined);
          handler.onData(Buffer.from('half'));
          handler.onFail(new DroverError('unavailable', 'gone', { reason: 'WORKER_CRASHED' }));
        },
      });
      await assert.rejects(ask(apps, '/apps/shop/'));
      const line = apps.logged.records().find(({ msg }) => msg === 'request');
      assert.equal(line?.['reason'], 'WORKER_CRASHED');
    });

    it('that is not there is a 404, and climbing out of one a 400', async () => {
      await using apps = await openApps();
      assert.equal((await ask(apps, '/apps/other/')).status, 404);
      assert.equal((await ask(apps, '/apps/shop/%2e%2e/x')).status, 400);
      assert.equal(apps.pool.calls.length, 0);
    });

    it('is measured by its pattern, not by its path', async () => {
      await using apps = await openApps();
      await ask(apps, '/apps/shop/secret-path');
      const text = apps.metrics.expose();
      assert.match(text, /_count\{route="\/apps\/:spec\/\*",method="GET",code="200"\} 1\n/);
      assert.doesNotMatch(text, /secret-path/);
    });
  });
}

describe('the way to an app', () => {
  it('leads from the bare name to the slash, with the query', async () => {
    await using apps = await openApps();
    const answer = await overHttp1(apps, '/apps/shop?a=/b');
    assert.deepEqual([answer.status, answer.headers['location']], [308, '/apps/shop/?a=/b']);
    assert.equal((await overHttp1(apps, '/apps/shop', { method: 'HEAD' })).status, 308);
    assert.equal((await overHttp1(apps, '/apps/shop', { method: 'POST' })).status, 405);
    assert.equal((await overHttp1(apps, '/apps/other')).status, 404);
  });

  it('takes the whole address in a request, and no strange host', async () => {
    await using apps = await openApps();
    using client = await openRawClient(apps.port);
    client.send(`GET http://a.test/apps/shop/x HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    await client.receive('ok');
    assert.equal(apps.pool.calls.at(-1)?.head.url, 'http://a.test/x');
    client.send('GET /apps/shop/x HTTP/1.1\r\nHost: a/evil?\r\n\r\n');
    assert.match(await client.receive('BAD_HOST'), /HTTP\/1.1 400 /);
  });
});

describe('the headers', () => {
  /** What the app gets for these lines. */
  async function passedOn(lines: readonly string[]): Promise<PoolCall> {
    await using apps = await openApps();
    using client = await openRawClient(apps.port);
    client.send(['GET /apps/shop/ HTTP/1.1', 'Host: a.test', ...lines, '', ''].join('\r\n'));
    await client.receive('ok');
    return await apps.pool.call();
  }

  const dropped: readonly (readonly [string, string])[] = [
    ['Connection: x-mine, close', 'connection'],
    ['Connection: X-Mine, close\r\nX-Mine: 1', 'x-mine'],
    ['Keep-Alive: timeout=5', 'keep-alive'],
    ['TE: trailers', 'te'],
    ['Trailer: x', 'trailer'],
    ['Upgrade: h2c', 'upgrade'],
    ['Proxy-Authorization: Basic x', 'proxy-authorization'],
    ['Proxy-Connection: close', 'proxy-connection'],
    ['X-Drover-Caller: operator', 'x-drover-caller'],
    ['Forwarded: for=1.2.3.4', 'forwarded'],
  ];
  for (const [line, name] of dropped) {
    it(`leave ${name} behind`, async () => {
      assert.deepEqual((await passedOn([line])).header(name), []);
    });
  }

  const replaced: readonly (readonly [string, string, string])[] = [
    ['X-Forwarded-For: 1.2.3.4', 'x-forwarded-for', '127.0.0.1'],
    ['X-Forwarded-Host: evil', 'x-forwarded-host', 'a.test'],
    ['X-Forwarded-Proto: https', 'x-forwarded-proto', 'http'],
    ['X-Base: /evil', 'x-base', '/apps/shop'],
  ];
  for (const [line, name, value] of replaced) {
    it(`put the truth in the place of ${name}`, async () => {
      assert.deepEqual((await passedOn([line])).header(name), [value]);
    });
  }

  it('keep all else, repeated ones too', async () => {
    const call = await passedOn(['X-A: 1', 'X-A: 2', 'Cookie: a=b', 'Accept: */*']);
    assert.deepEqual(call.header('x-a'), ['1', '2']);
    assert.deepEqual(call.header('cookie'), ['a=b']);
  });

  it('join the pieces of a cookie that HTTP/2 makes', async () => {
    await using apps = await openApps();
    const session = http2.connect(apps.url);
    const cookie = ['a=1', 'b=2'];
    await http2Request(session, { ':path': '/apps/shop/', cookie });
    session.close();
    assert.deepEqual((await apps.pool.call()).header('cookie'), ['a=1; b=2']);
  });

  it('of an answer keep those behind that are about a connection', async () => {
    await using apps = await openApps({
      script: (call) =>
        call.answer(
          200,
          [
            ...['connection', 'close, x-gone', 'x-gone', '1', 'keep-alive', 'timeout=9'],
            ...['transfer-encoding', 'gzip', 'upgrade', 'h2c', 'proxy-authenticate', 'x'],
            ...['x-request-id', 'forged', 'x-kept', '1'],
          ],
          'ok',
        ),
    });
    const { headers } = await overHttp1(apps, '/apps/shop/', { headers: { 'x-request-id': 'r' } });
    assert.deepEqual(
      [headers['x-gone'], headers['transfer-encoding'], headers['upgrade']],
      [undefined, undefined, undefined],
    );
    assert.equal(headers['proxy-authenticate'], undefined);
    assert.deepEqual([headers['x-kept'], headers['x-request-id']], ['1', 'r']);
    assert.notEqual(headers['keep-alive'], 'timeout=9');
  });
});
