import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { FakeClock } from '#kernel/fake-clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { openTestListener } from '#test/edge-listener.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { openRawClient } from '#test/raw-client.ts';
import { Upgrades, type UpgradeHandler, type UpgradeRoute } from './upgrades.ts';

const LINES = 'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

function build(...routes: UpgradeRoute[]) {
  return (app: FastifyInstance) => {
    app.get('/plain', async () => 'as HTTP');
    for (const route of routes) app.upgrades.register(route);
  };
}

/** Says its name and ends. */
function say(name: string): UpgradeHandler {
  return ({ socket, start }) => void socket.end(`${name} ${start.toString()}`);
}

async function ask(port: number, path: string, host = 'a'): Promise<string> {
  using client = await openRawClient(port);
  client.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${LINES}early`);
  return await client.closed();
}

describe('the upgrades of a listener', () => {
  it('go to the handler of the path, unless the host has one of its own', async () => {
    await using edge = await openTestListener(
      build(
        { route: '/a/*', prefix: '/a/', handle: say('a') },
        { route: '/b/*', prefix: '/b/', handle: say('b') },
        { route: '/*', isHost: (host) => host === 'own', handle: say('host') },
      ),
    );
    assert.equal(await ask(edge.port, '/a/x'), 'a early');
    assert.equal(await ask(edge.port, '/b/x'), 'b early');
    assert.equal(await ask(edge.port, '/a/x', 'own'), 'host early');
    assert.match(await ask(edge.port, '/plain'), /^HTTP\/1.1 404 .*PATH_NOT_FOUND/s);
  });

  it('do not exist where nobody registered any', async () => {
    await using edge = await openTestListener(build());
    using client = await openRawClient(edge.port);
    client.send(`GET /plain HTTP/1.1\r\nHost: a\r\n${LINES}`);
    assert.match(await client.receive('as HTTP'), /^HTTP\/1.1 200 /);
  });

  it('are answered for when the handler throws, but not in the middle of its bytes', async () => {
    const refuse = () => {
      throw new DroverError('permission_denied', 'no', { reason: 'NO' });
    };
    const begin: UpgradeHandler = async ({ socket }) => {
      await new Promise<void>((resolve) => void socket.write('begun', () => resolve()));
      throw new Error('broken');
    };
    await using edge = await openTestListener(
      build(
        { route: '/no', prefix: '/no', handle: refuse },
        { route: '/begun', prefix: '/begun', handle: begin },
      ),
    );
    assert.match(await ask(edge.port, '/no'), /^HTTP\/1.1 403 .*"reason":"NO"/s);
    assert.equal(await ask(edge.port, '/begun'), 'begun');
  });

  it('are refused once the drain has begun', async () => {
    const draining = new AbortController();
    const upgrades = new Upgrades({
      ...{ log: createLogCapture().log, clock: new FakeClock(), limit: 1 },
      draining: draining.signal,
    });
    upgrades.register({ route: '/a/*', prefix: '/a/', handle: say('a') });
    await using edge = await openTestListener((app) => {
      app.addHook('onReady', (done) => {
        upgrades.listenTo(app.server);
        done();
      });
    });
    assert.equal(await ask(edge.port, '/a/x'), 'a early');
    draining.abort(new DroverError('unavailable', 'down', { reason: 'SHUTTING_DOWN' }));
    assert.match(await ask(edge.port, '/a/x'), /^HTTP\/1.1 503 .*SHUTTING_DOWN/s);
  });
});
