import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { openApps, testVersion, type AppsFixture, type PoolCall } from '#test/apps-fixture.ts';
import { openRawClient } from '#test/raw-client.ts';
import { until } from '#test/until.ts';

const AGREED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n';

/** And ends when its caller does. */
function agree(call: PoolCall): void {
  stay(call);
  void call.until(({ hasEnded }) => hasEnded).then(() => call.handler.onEnd());
}

/** Whatever its caller does. */
function stay({ handler }: PoolCall): void {
  handler.onData(Buffer.from(AGREED));
}

function handshake(path: string, lines: readonly string[] = []): string {
  return [
    ...[`GET ${path} HTTP/1.1`, 'Host: a.test', 'Connection: keep-alive, Upgrade'],
    ...['Upgrade: WebSocket', 'Sec-WebSocket-Key: x', ...lines, '', ''],
  ].join('\r\n');
}

function openSockets(apps: AppsFixture): number {
  const text = apps.metrics.expose();
  return Number(/upgraded_connections\{route="\/apps\/:spec\/\*"\} (\d+)/.exec(text)?.[1]);
}

async function untilClosed(apps: AppsFixture): Promise<void> {
  await until(() => (openSockets(apps) === 0 ? true : undefined), 'the sockets to close');
}

function upgradeLines(apps: AppsFixture) {
  return apps.logged.records().filter(({ msg }) => String(msg).startsWith('upgrade'));
}

describe('a WebSocket of an app', () => {
  it('carries bytes both ways, those sent early too', async () => {
    await using apps = await openApps({ script: agree });
    using client = await openRawClient(apps.port);
    client.send(`${handshake('/apps/shop/live?a=1')}early`);
    await client.receive(AGREED);
    const call = await apps.pool.call();
    assert.equal(call.head.isUpgrade, true);
    assert.equal(call.head.url, 'http://a.test/live?a=1');
    assert.deepEqual(call.header('connection'), ['Upgrade']);
    assert.deepEqual(call.header('upgrade'), ['websocket']);
    assert.deepEqual(call.header('sec-websocket-key'), ['x']);
    assert.deepEqual(call.header('x-base'), ['/apps/shop']);
    client.send(' and late');
    await call.until(({ text }) => text === 'early and late');
    call.handler.onData(Buffer.from('echo'));
    await client.receive('echo');
    await call.until(({ consumed }) => consumed === AGREED.length + 4);
    call.handler.onEnd();
    client.socket.end();
    await client.closed();
    assert.equal(openSockets(apps), 0);
    assert.equal(upgradeLines(apps)[0]?.['route'], '/apps/:spec/*');
  });

  it('opens when the agreement comes byte by byte', async () => {
    await using apps = await openApps({
      script: ({ handler }) => {
        for (const letter of AGREED) handler.onData(Buffer.from(letter));
        handler.onEnd();
      },
    });
    using client = await openRawClient(apps.port);
    client.send(handshake('/apps/shop/'));
    assert.equal(await client.receive(AGREED), AGREED);
  });

  it('waits while the app does not read', async () => {
    await using apps = await openApps({ script: agree });
    using client = await openRawClient(apps.port);
    client.send(handshake('/apps/shop/'));
    await client.receive(AGREED);
    const call = await apps.pool.call();
    call.takesMore = false;
    client.send('a');
    await call.until(({ text }) => text === 'a');
    client.send('b');
    using other = await openRawClient(apps.port);
    other.send('GET /health HTTP/1.1\r\nHost: a\r\n\r\n');
    await other.receive('healthy');
    assert.equal(call.text, 'a');
    call.takesMore = true;
    call.handler.onDrain();
    await call.until(({ text }) => text === 'ab');
  });

  it('reports only what the connection took', async () => {
    await using apps = await openApps({ script: agree });
    using client = await openRawClient(apps.port);
    client.send(handshake('/apps/shop/'));
    await client.receive(AGREED);
    client.socket.pause();
    const call = await apps.pool.call();
    const chunk = Buffer.alloc(1 << 20);
    for (let at = 0; at < 32; at += 1) call.handler.onData(chunk);
    assert.ok(call.consumed < 32 << 20);
    client.socket.resume();
    await call.until(({ consumed }) => consumed === (32 << 20) + AGREED.length);
  });

  it('still carries answers when the caller has ended its side', async () => {
    await using apps = await openApps({ script: stay });
    using client = await openRawClient(apps.port);
    client.send(handshake('/apps/shop/'));
    await client.receive(AGREED);
    const call = await apps.pool.call();
    client.socket.end();
    await call.until(({ hasEnded }) => hasEnded);
    assert.equal(call.isAborted, false);
    call.handler.onData(Buffer.from('goodbye'));
    call.handler.onEnd();
    assert.match(await client.closed(), /goodbye$/);
  });

  it('is given up when the caller breaks off', async () => {
    await using apps = await openApps({ script: agree });
    using client = await openRawClient(apps.port);
    client.send(handshake('/apps/shop/'));
    await client.receive(AGREED);
    client.socket.resetAndDestroy();
    const call = await apps.pool.call();
    await call.until(({ isAborted }) => isAborted);
  });

  it('is cut when the app fails', async () => {
    await using apps = await openApps({ script: agree });
    using client = await openRawClient(apps.port);
    client.send(handshake('/apps/shop/'));
    await client.receive(AGREED);
    const call = await apps.pool.call();
    call.handler.onFail(new DroverError('unavailable', 'x', { reason: 'WORKER_CRASHED' }));
    assert.equal(await client.closed(), AGREED);
  });

  for (const [who, ms] of [
    ['the app', 5000],
    ['the caller', 30_000],
  ] as const) {
    it(`is closed a while after ${who} has ended it, when the other does not`, async () => {
      const clock = new FakeClock();
      await using apps = await openApps({ clock, script: stay });
      using client = await openRawClient(apps.port);
      client.socket.allowHalfOpen = true;
      client.send(handshake('/apps/shop/'));
      await client.receive(AGREED);
      const call = await apps.pool.call();
      if (who === 'the app') {
        call.handler.onEnd();
      } else {
        client.socket.end();
        await call.until(({ hasEnded }) => hasEnded);
      }
      await clock.advance(ms);
      await untilClosed(apps);
    });
  }

  const refusals: readonly (readonly [string, string, (call: PoolCall) => void, RegExp])[] = [
    [
      'the queue is full',
      '/apps/shop/',
      ({ handler }) =>
        handler.onFail(
          new DroverError('unavailable', 'x', {
            reason: 'QUEUE_FULL',
            metadata: { retryAfter: '3' },
          }),
        ),
      /^HTTP\/1.1 503 .*retry-after: 3\r\n.*QUEUE_FULL/is,
    ],
    [
      'the app answers in HTTP, as bytes',
      '/apps/shop/',
      ({ handler }) => {
        handler.onData(Buffer.from('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'));
        handler.onEnd();
      },
      /^HTTP\/1.1 403 .*UPGRADE_REFUSED/is,
    ],
    [
      'the app answers in HTTP, as an answer',
      '/apps/shop/',
      (call) => call.answer(404),
      /^HTTP\/1.1 404 .*UPGRADE_REFUSED/is,
    ],
    [
      'the app pretends to have answered a request',
      '/apps/shop/',
      ({ handler }) => handler.onData(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')),
      /^HTTP\/1.1 502 .*UPGRADE_REFUSED/is,
    ],
    ['the app ends at once', '/apps/shop/', ({ handler }) => handler.onEnd(), /^HTTP\/1.1 502 /],
    ['there is no such app', '/apps/none/', agree, /^HTTP\/1.1 404 .*APP_NOT_FOUND/s],
    ['the path climbs', '/apps/shop/../x', agree, /^HTTP\/1.1 400 .*BAD_PATH/s],
    ['the slash is missing', '/apps/shop', agree, /^HTTP\/1.1 404 .*PATH_NOT_FOUND/s],
    ['nobody has the path', '/api/v1/apps', agree, /^HTTP\/1.1 404 .*PATH_NOT_FOUND/s],
    ['a token is missing', '/apps/private/', agree, /^HTTP\/1.1 401 .*www-authenticate: Bearer/is],
    ['the app is of files alone', '/apps/files/', agree, /^HTTP\/1.1 404 .*files alone/s],
  ];
  for (const [why, path, script, expected] of refusals) {
    it(`is refused when ${why}`, async () => {
      await using apps = await openApps({
        script,
        versions: [
          testVersion('shop'),
          testVersion('private', { access: 'token' }),
          testVersion('files', { entrypoint: undefined }),
        ],
      });
      using client = await openRawClient(apps.port);
      client.send(handshake(path));
      const text = await client.closed();
      assert.match(text, expected);
      assert.match(text, /connection: close/i);
      assert.equal(
        upgradeLines(apps).some(({ msg }) => msg === 'upgrade refused'),
        true,
      );
    });
  }

  it('tells the app who asks, and keeps the token', async () => {
    await using apps = await openApps({
      script: agree,
      versions: [testVersion('shop', { access: 'operator' })],
    });
    using client = await openRawClient(apps.port);
    client.send(handshake('/apps/shop/', ['Authorization: Bearer dev_operator']));
    await client.receive(AGREED);
    const call = await apps.pool.call();
    assert.deepEqual(call.head.caller, { kind: 'operator', id: 'dev' });
    assert.deepEqual(call.header('authorization'), []);
  });

  it('on a host of the app goes to the app, whatever the path', async () => {
    await using apps = await openApps({ script: agree, hosts: new Map([['a.test', 'shop']]) });
    using client = await openRawClient(apps.port);
    client.send(handshake('/apps/none/x'));
    await client.receive(AGREED);
    const call = await apps.pool.call();
    assert.equal(call.head.url, 'http://a.test/apps/none/x');
    assert.deepEqual(call.header('x-base'), ['/']);
  });

  it('is one of a limited number', async () => {
    await using apps = await openApps({
      script: agree,
      listener: { limits: { upgradedConnections: 1 } },
    });
    using first = await openRawClient(apps.port);
    first.send(handshake('/apps/shop/'));
    await first.receive(AGREED);
    using second = await openRawClient(apps.port);
    second.send(handshake('/apps/shop/'));
    assert.match(await second.closed(), /^HTTP\/1.1 503 .*retry-after: 5.*TOO_MANY_SOCKETS/is);
    first.socket.destroy();
    await untilClosed(apps);
    using third = await openRawClient(apps.port);
    third.send(handshake('/apps/shop/'));
    await third.receive(AGREED);
  });

  it('is told of a drain by the end of its input, and cut when it does not end', async () => {
    const clock = new FakeClock();
    await using apps = await openApps({ clock, script: stay });
    using client = await openRawClient(apps.port);
    client.send(handshake('/apps/shop/'));
    await client.receive(AGREED);
    const call = apps.pool.calls[0];
    assert.ok(call);
    const drained = apps.listener.drain();
    await call.until(({ hasEnded }) => hasEnded);
    client.send('too late');
    call.handler.onData(Buffer.from('bye'));
    await client.receive('bye');
    assert.equal(call.text, '');
    await clock.advance(5000);
    await client.closed();
    await drained;
  });
});

describe('a request for an upgrade', () => {
  it('is served as HTTP where nothing can be upgraded, or not to a WebSocket', async () => {
    await using apps = await openApps();
    using client = await openRawClient(apps.port);
    client.send(handshake('/health').replace('WebSocket', 'h2c'));
    assert.match(await client.receive('healthy'), /^HTTP\/1.1 200 /);
  });

  it('during a drain is refused', async () => {
    let calls = 0;
    await using apps = await openApps({ script: () => void (calls += 1) });
    using client = await openRawClient(apps.port);
    // The answer to the first keeps the connection from being closed.
    client.send('GET /apps/shop/ HTTP/1.1\r\nHost: a\r\n\r\n');
    const call = await apps.pool.call();
    const drained = apps.listener.drain();
    client.send(handshake('/apps/shop/live'));
    call.answer(200, [], 'ok');
    const text = await client.closed();
    assert.match(text, /^HTTP\/1.1 200 /);
    assert.equal(calls, 1);
    await drained;
  });
});
