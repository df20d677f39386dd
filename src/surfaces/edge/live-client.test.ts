import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeLiveSocket } from '#test/fake-live-socket.ts';
import { LiveBatch, toBatches } from './live-batch.ts';
import { LiveClient } from './live-client.ts';

const MUCH = 1024 * 1024;

function setUp() {
  const socket = new FakeLiveSocket();
  const time = { nowMs: 0 };
  const client = new LiveClient(socket, () => time.nowMs);
  const look = (nowMs: number) => {
    time.nowMs = nowMs;
    client.look(nowMs);
  };
  return { socket, client, look };
}

describe('one who follows', () => {
  it('is first told its first messages, then what came while they were read', () => {
    const { socket, client } = setUp();
    client.tell('a', 'a1');
    client.tell('a', 'a2');
    client.begin(['first', 'second']);
    client.tell('a', 'a3');
    assert.deepEqual(socket.sent, ['first', 'second', 'a2', 'a3']);
  });

  it('that is slow is told the newest of each later, in order', () => {
    const { socket, client, look } = setUp();
    client.begin([]);
    socket.bufferedAmount = MUCH;
    for (const text of ['a1', 'b1', 'a2', 'c1']) client.tell(text.slice(0, 1), text);
    look(500);
    assert.deepEqual(socket.sent, []);
    socket.bufferedAmount = 0;
    look(1000);
    client.tell('d', 'd1');
    assert.deepEqual(socket.sent, ['b1', 'a2', 'c1', 'd1']);
  });

  it('is told in one piece what comes together, and the newest of it when slow', () => {
    const { socket, client, look } = setUp();
    client.begin([]);
    const batchOf = (...texts: readonly string[]) =>
      toBatches(texts.map((text) => ({ key: text.slice(0, 1), text })));
    client.tellAll(batchOf('a1', 'b1'));
    socket.bufferedAmount = MUCH;
    for (const batch of [batchOf('a2', 'b2'), batchOf('a3')]) client.tellAll(batch);
    assert.deepEqual(socket.sent, ['a1', 'b1']);
    socket.bufferedAmount = 0;
    look(1000);
    assert.deepEqual(socket.sent, ['a1', 'b1', 'b2', 'a3']);
  });

  it('is asked whether it is there, also when it is slow', () => {
    const { socket, client } = setUp();
    client.begin([]);
    const beats = [new LiveBatch([{ key: 'beat', text: 'beat' }], { hasPing: true })];
    client.tellAll(beats);
    socket.bufferedAmount = MUCH;
    client.tellAll(beats);
    assert.deepEqual([socket.sent, socket.pings], [['beat'], 2]);
  });

  it('is sent no more than a piece of what it does not take', () => {
    const { socket, client } = setUp();
    client.begin([]);
    const long = 'x'.repeat(100_000);
    const messages = ['a', 'b', 'c', 'd', 'e'].map((key) => ({ key, text: key + long }));
    const [first, ...others] = toBatches(messages);
    assert.equal(first?.messages.length, 2);
    assert.equal(others.length, 2);
    client.tellAll([first]);
    socket.bufferedAmount = MUCH;
    client.tellAll(others);
    assert.equal(socket.sent.length, 2);
  });

  it('that stays slow for half a minute is dropped', () => {
    const { socket, client, look } = setUp();
    client.begin([]);
    look(1000);
    socket.bufferedAmount = MUCH;
    client.tell('a', 'a1');
    look(2000);
    look(32_000);
    assert.equal(socket.isTerminated, false);
    look(32_001);
    assert.equal(socket.isTerminated, true);
  });

  it('that was slow and caught up has its half minute anew', () => {
    const { socket, client, look } = setUp();
    client.begin([]);
    socket.bufferedAmount = MUCH;
    client.tell('a', 'a1');
    look(1000);
    socket.bufferedAmount = 0;
    look(20_000);
    socket.bufferedAmount = MUCH;
    client.tell('a', 'a2');
    look(20_500);
    look(45_000);
    assert.equal(socket.isTerminated, false);
  });

  it('for whom too much would be kept is dropped', () => {
    const { socket, client, look } = setUp();
    client.begin([]);
    socket.bufferedAmount = MUCH;
    for (let at = 0; at < 5000; at += 1) client.tell(`job ${at}`, 'x');
    look(1);
    assert.equal(socket.isTerminated, false);
    client.tell('one more', 'x');
    look(2);
    assert.equal(socket.isTerminated, true);
  });

  it('is dropped when nothing was heard of it for a minute, and not before', () => {
    const { socket, client, look } = setUp();
    client.begin([]);
    look(54_000);
    socket.emit('pong');
    look(114_000);
    assert.equal(socket.isTerminated, false);
    look(114_001);
    assert.equal(socket.isTerminated, true);
  });

  it('whose first messages never come is dropped', () => {
    const { socket, look } = setUp();
    look(30_001);
    assert.equal(socket.isTerminated, true);
  });
});
