/** Bodies that do not come in one piece, on their way to an app and back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { openApps, testVersion } from '#test/apps-fixture.ts';
import { openRawClient } from '#test/raw-client.ts';

describe('a stream', () => {
  it('to an app waits while the app does not read', async () => {
    await using apps = await openApps({ script: (call) => void (call.takesMore = false) });
    const request = http.request(`${apps.url}/apps/shop/`, { method: 'POST', agent: false });
    request.on('error', () => undefined);
    const chunk = Buffer.alloc(1 << 20);
    const call = await (request.write(chunk), apps.pool.call());
    await call.until(({ written }) => written.length === 1);
    for (let at = 0; at < 32; at += 1) request.write(chunk);
    // Another request over a connection of its own: time in which nothing more was passed on.
    await (await fetch(`${apps.url}/health`)).text();
    assert.equal(call.written.length, 1);
    call.takesMore = true;
    call.handler.onDrain();
    request.end();
    await call.until(({ hasEnded }) => hasEnded);
    assert.equal(Buffer.concat(call.written).length, 33 << 20);
    call.answer(200);
  });

  it('to a caller reports only what the connection took', async () => {
    await using apps = await openApps({ script: () => undefined });
    const request = http.get(`${apps.url}/apps/shop/`, { agent: false });
    const call = await apps.pool.call();
    call.handler.onHead({ status: 200, headers: [] }, undefined);
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunk = Buffer.alloc(1 << 20);
    for (let at = 0; at < 32; at += 1) call.handler.onData(chunk);
    assert.ok(call.consumed < 32 << 20, 'more than any buffer on the way holds');
    answer.resume();
    await call.until(({ consumed }) => consumed === 32 << 20);
    call.handler.onEnd();
    await once(answer, 'end');
  });

  it('begins before its first byte comes', async () => {
    await using apps = await openApps({
      script: ({ handler }) => handler.onHead({ status: 200, headers: ['x-a', '1'] }, undefined),
    });
    const request = http.get(`${apps.url}/apps/shop/`, { agent: false });
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    assert.equal(answer.headers['x-a'], '1');
    (await apps.pool.call()).handler.onEnd();
    await once(answer.resume(), 'end');
  });

  it('is given up when its caller goes, before the answer or in it', async () => {
    for (const begins of [false, true]) {
      await using apps = await openApps({ script: () => undefined });
      const request = http.get(`${apps.url}/apps/shop/`, { agent: false });
      request.on('error', () => undefined);
      const call = await apps.pool.call();
      if (begins) {
        call.handler.onHead({ status: 200, headers: [] }, undefined);
        await once(request, 'response');
      }
      request.destroy();
      await call.until(({ isAborted }) => isAborted);
      // What the app still says is nobody's.
      call.answer(200, [], 'late');
    }
  });

  it('of HTTP/2 is given up when it is cancelled', async () => {
    await using apps = await openApps({ script: () => undefined });
    const session = http2.connect(apps.url);
    const stream = session.request({ ':path': '/apps/shop/' });
    stream.on('error', () => undefined);
    const call = await apps.pool.call();
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await call.until(({ isAborted }) => isAborted);
    session.close();
  });

  it('that does not go on is a 408', async () => {
    const clock = new FakeClock();
    await using apps = await openApps({ clock, script: () => undefined });
    const client = http.request(`${apps.url}/apps/shop/`, { method: 'POST', agent: false });
    client.write('some');
    const call = await apps.pool.call();
    await call.until(({ written }) => written.length === 1);
    const answered = once(client, 'response') as Promise<[http.IncomingMessage]>;
    await clock.advance(60_000);
    const [answer] = await answered;
    assert.equal(answer.statusCode, 408);
    assert.equal(call.isAborted, true);
    client.destroy();
  });

  it('may be answered before it is sent whole, and the connection lives for a while', async () => {
    const clock = new FakeClock();
    await using apps = await openApps({
      clock,
      script: (call) => call.answer(200, [], 'enough'),
    });
    using client = await openRawClient(apps.port);
    client.send('POST /apps/shop/ HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\nsome');
    await client.receive('enough');
    await clock.advance(5000);
    await client.closed();
  });

  it('is watched by the access log until it ends', async () => {
    await using apps = await openApps({ versions: [testVersion('shop')] });
    await (await fetch(`${apps.url}/apps/shop/a?token=abc`)).text();
    const line = apps.logged.records().find(({ msg }) => msg === 'request');
    assert.deepEqual([line?.['route'], line?.['status']], ['/apps/:spec/*', 200]);
    assert.doesNotMatch(apps.logged.text(), /abc/);
  });
});
