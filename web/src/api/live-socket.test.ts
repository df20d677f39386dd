import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { LiveSocket, type LiveSocketOptions, type SocketEvents } from './live-socket.ts';

class FakeSocket {
  readonly events: SocketEvents;
  readonly sent: string[] = [];
  isClosed = false;

  constructor(events: SocketEvents) {
    this.events = events;
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.isClosed = true;
  }
}

function setUp(options: Partial<LiveSocketOptions> = {}) {
  const sockets: FakeSocket[] = [];
  const messages: unknown[] = [];
  const live = new LiveSocket({
    path: '/ws',
    onMessage: (message) => messages.push(message),
    connect: (_path, events) => {
      const socket = new FakeSocket(events);
      sockets.push(socket);
      return socket;
    },
    ...options,
  });
  const newest = () => sockets.at(-1) ?? assert.fail('there is no socket');
  return { live, sockets, messages, newest };
}

describe('LiveSocket', () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    mock.method(Math, 'random', () => 1);
  });
  afterEach(() => {
    mock.timers.reset();
    mock.restoreAll();
  });

  it('greets when it is open, and tells what comes as JSON', () => {
    const { live, newest, messages } = setUp({ greeting: () => ({ type: 'ping' }) });
    live.open();
    newest().events.onOpen();
    newest().events.onText('{"a":1}');
    newest().events.onText('no json');
    assert.deepEqual(newest().sent, ['{"type":"ping"}']);
    assert.deepEqual(messages, [{ a: 1 }]);
    assert.equal(live.state.value.kind, 'live');
  });

  it('comes back, waiting twice as long each time, until a message came', () => {
    const { live, sockets, newest } = setUp();
    live.open();
    for (const waitMs of [500, 1000, 2000]) {
      const before = sockets.length;
      newest().events.onClose();
      mock.timers.tick(waitMs - 1);
      assert.equal(sockets.length, before);
      mock.timers.tick(1);
      assert.equal(sockets.length, before + 1);
    }
    newest().events.onText('{}');
    newest().events.onClose();
    mock.timers.tick(500);
    assert.equal(sockets.length, 5);
  });

  it('takes one that is silent for dead', () => {
    const { live, sockets, newest } = setUp({ silenceMs: 5000 });
    live.open();
    newest().events.onOpen();
    mock.timers.tick(5000);
    assert.equal(sockets[0]?.isClosed, true);
    assert.equal(live.state.value.kind, 'waiting');
    mock.timers.tick(500);
    assert.equal(sockets.length, 2);
  });

  it('is silent once it is closed, whatever the socket still says', () => {
    const { live, sockets, messages, newest } = setUp();
    live.open();
    live.close();
    newest().events.onText('{}');
    newest().events.onClose();
    mock.timers.tick(60_000);
    assert.equal(sockets.length, 1);
    assert.deepEqual(messages, []);
    assert.equal(live.state.value.kind, 'closed');
  });
});
