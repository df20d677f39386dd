import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { systemClock } from '#kernel/clock.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { QmpServer, type QmpAnswer } from '#test/qmp-server.ts';
import { openQmpClient } from './qmp-client.ts';
import type { QmpEvent } from './qmp-commands.ts';

const NEVER = new AbortController().signal;
const RUNNING = { return: { running: true, status: 'running', singlestep: false } };

async function openPair(answer: QmpAnswer, clock: typeof systemClock | FakeClock = systemClock) {
  const server = await QmpServer.open(answer);
  const events: QmpEvent[] = [];
  const client = await openQmpClient(server.path, {
    clock,
    signal: NEVER,
    onEvent: (event) => events.push(event),
  });
  return {
    server,
    client,
    events,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('the QMP client', () => {
  it('shakes hands, then asks and gets typed answers', async () => {
    await using pair = await openPair(() => RUNNING);
    assert.equal(pair.server.requests[0]?.execute, 'qmp_capabilities');
    const status = await pair.client.execute('query-status');
    assert.deepEqual(status, { isRunning: true, status: 'running' });
  });

  it('matches answers by id, in whatever order they come', async () => {
    await using pair = await openPair(() => undefined);
    const { client, server } = pair;
    const answers = [
      client.execute('stop'),
      client.execute('query-status'),
      client.execute('cont'),
    ];
    await server.hasReceived(4);
    const idOf = (name: string) => server.requests.find(({ execute }) => execute === name)?.id;
    server.send({ id: 999, return: {} });
    server.send({ id: idOf('cont'), error: { class: 'GenericError', desc: 'no' } });
    server.send({ id: idOf('query-status'), ...RUNNING });
    server.send({ id: idOf('stop'), return: {} });
    const [stop, status, cont] = await Promise.allSettled(answers);
    assert.equal(stop?.status, 'fulfilled');
    assert.equal(status?.status, 'fulfilled');
    assert.equal(cont?.status, 'rejected');
    assert.equal(cont.status === 'rejected' && cont.reason.reason, 'QMP_REFUSED');
  });

  it('hands on the events that tell of the life of the guest', async () => {
    await using pair = await openPair(({ execute }) =>
      execute === 'stop' ? { return: {} } : RUNNING,
    );
    const { client, server, events } = pair;
    server.send({ event: 'RESET', data: { guest: true, reason: 'guest-reset' } });
    server.send({ event: 'NIC_RX_FILTER_CHANGED', data: {} });
    server.send({ event: 'GUEST_PANICKED', data: { action: 'poweroff' } });
    server.send({ event: 'SHUTDOWN', data: { guest: true, reason: 'guest-panic' } });
    await client.execute('stop');
    assert.deepEqual(events, [
      { name: 'RESET', isByGuest: true, reason: 'guest-reset' },
      { name: 'GUEST_PANICKED' },
      { name: 'SHUTDOWN', isByGuest: true, reason: 'guest-panic' },
    ]);
  });

  it('fails everything that waits when the socket is lost', async () => {
    await using pair = await openPair(() => undefined);
    const { client, server } = pair;
    const waiting = [client.execute('stop'), client.execute('cont')];
    server.dropAll();
    for (const result of await Promise.allSettled(waiting)) {
      assert.equal(result.status === 'rejected' && result.reason.kind, 'unavailable');
    }
    await client.closed;
    assert.equal(client.isOpen, false);
    await assert.rejects(client.execute('stop'), { reason: 'QMP_DISCONNECTED' });
  });

  it('gives up on a command after its time, and goes on with others', async () => {
    const clock = new FakeClock();
    await using pair = await openPair(
      ({ execute }) => (execute === 'stop' ? undefined : RUNNING),
      clock,
    );
    const stuck = assert.rejects(pair.client.execute('stop', { timeoutMs: 700 }), {
      kind: 'deadline_exceeded',
    });
    await clock.advance(700);
    await stuck;
    assert.equal((await pair.client.execute('query-status')).isRunning, true);
    assert.equal(clock.pendingTimers, 0);
  });

  it('obeys the signal of a command, and that of the handshake', async () => {
    await using pair = await openPair(() => undefined);
    const abort = new AbortController();
    const waiting = assert.rejects(pair.client.execute('stop', { signal: abort.signal }), /enough/);
    abort.abort(new Error('enough'));
    await waiting;
    await using silent = await QmpServer.open(() => undefined, '');
    const signal = AbortSignal.abort(new Error('no greeting'));
    const options = { clock: systemClock, signal, onEvent: () => undefined };
    await assert.rejects(openQmpClient(silent.path, options), /no greeting/);
  });

  it('closes a connection on which something else than QMP is spoken', async () => {
    await using pair = await openPair(() => undefined);
    const waiting = assert.rejects(pair.client.execute('stop'), { reason: 'QMP_PROTOCOL' });
    pair.server.sendText('SSH-2.0-OpenSSH_9.2\r\n');
    await waiting;
    await pair.client.closed;
  });

  it('refuses an answer of the wrong shape', async () => {
    await using pair = await openPair(() => ({ return: 'fine' }));
    await assert.rejects(pair.client.execute('query-status'), { reason: 'QMP_PROTOCOL' });
    await assert.rejects(pair.client.execute('query-blockstats'), { reason: 'QMP_PROTOCOL' });
  });
});
