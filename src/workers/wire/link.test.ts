/** What every link does, over real sockets and ports. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { closed, openPortLinks, openSocketLinks, openSocketPair } from '#test/wire-fixture.ts';
import type { Frame, Link } from './frames.ts';
import { SocketLink } from './socket-link.ts';

const MEDIA = [
  ['SocketLink', openSocketLinks],
  ['PortLink', openPortLinks],
] as const;

/** Resolves with so many frames. */
function received(link: Link, count: number): Promise<Frame[]> {
  const { promise, resolve } = Promise.withResolvers<Frame[]>();
  const frames: Frame[] = [];
  link.receive((frame) => {
    frames.push(frame);
    if (frames.length === count) resolve(frames);
  });
  return promise;
}

for (const [name, open] of MEDIA) {
  describe(name, () => {
    it('carries frames both ways, in order', async () => {
      await using links = await open();
      const ids = Array.from({ length: 5000 }, (_, at) => at);
      const there = received(links.member, ids.length);
      const back = received(links.pool, ids.length);
      for (const id of ids) {
        links.pool.send({ type: 'end', id });
        links.member.send({ type: 'data', id, bytes: Buffer.alloc(id, 1) });
      }
      assert.deepEqual(
        (await there).map((frame) => frame.type === 'end' && frame.id),
        ids,
      );
      assert.deepEqual(
        (await back).map((frame) => frame.type === 'data' && frame.bytes.length),
        ids,
      );
    });

    it('leaves the bytes it was given as they were', async () => {
      await using links = await open();
      const bytes = Buffer.from('some bytes');
      const whole = new Uint8Array(20_000).fill(7);
      const frames = received(links.member, 2);
      links.pool.send({ type: 'data', id: 2, bytes });
      links.pool.send({ type: 'data', id: 2, bytes: whole });
      await frames;
      assert.equal(bytes.toString(), 'some bytes');
      assert.equal(whole.length, 20_000);
    });

    it('does not reuse what has not left yet', async () => {
      await using links = await open();
      // More than the buffers of the medium hold, in frames that are copied together.
      const count = 3000;
      const frames = received(links.member, count);
      for (let id = 0; id < count; id += 1) {
        links.pool.send({ type: 'data', id, bytes: Buffer.alloc(4000, id % 251) });
        if (id % 100 === 0) await new Promise(setImmediate);
      }
      for (const frame of await frames) {
        assert.ok(frame.type === 'data');
        assert.ok(frame.bytes.every((byte) => byte === frame.id % 251));
      }
    });

    it('keeps what comes before there is a receiver', async () => {
      await using links = await open();
      for (let id = 0; id < 3; id += 1) links.pool.send({ type: 'end', id });
      await new Promise(setImmediate);
      const frames = await received(links.member, 3);
      assert.equal(frames.length, 3);
    });

    it('sends what was sent before it was closed', async () => {
      await using links = await open();
      const frames = received(links.member, 1);
      links.pool.send({ type: 'retire' });
      links.pool.close();
      links.pool.send({ type: 'idle' });
      assert.deepEqual(await frames, [{ type: 'retire' }]);
      assert.equal(await closed(links.member), undefined);
    });

    it('says once that it closed, and also to who asks later', async () => {
      await using links = await open();
      let calls = 0;
      links.pool.onClose(() => {
        calls += 1;
      });
      links.member.close();
      await closed(links.pool);
      links.pool.close();
      assert.equal(await closed(links.pool), undefined);
      assert.equal(calls, 1);
    });

    it('is closed by a receiver that throws, with what it threw', async () => {
      await using links = await open();
      links.pool.receive(() => {
        throw new Error('this is out of order');
      });
      links.member.send({ type: 'hello' });
      assert.match(String(await closed(links.pool)), /this is out of order/);
      await closed(links.member);
    });

    it('is closed by a receiver that throws at what came early', async () => {
      await using links = await open();
      links.member.send({ type: 'hello' });
      await new Promise(setImmediate);
      links.pool.receive(() => {
        throw new Error('this is out of order');
      });
      assert.match(String(await closed(links.pool)), /this is out of order/);
    });
  });
}

describe('SocketLink to a process', () => {
  it('closes when the process is killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    const socket = child.stdio[3];
    assert.ok(socket instanceof Socket);
    const link = new SocketLink(socket);
    link.receive(() => undefined);
    link.send({ type: 'idle' });
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await closed(link);
    await exited;
  });

  it('closes with an error for bytes that are no frames', async () => {
    const [near, far] = await openSocketPair();
    const link = new SocketLink(near);
    link.receive(() => assert.fail('nothing of it is a frame'));
    far.on('error', () => undefined).resume();
    far.write('GET / HTTP/1.1\r\n\r\n');
    assert.match(String(await closed(link)), /malformed/);
    far.destroy();
  });

  it('closes with an error when it ends within a frame', async () => {
    const [near, far] = await openSocketPair();
    const link = new SocketLink(near);
    link.receive(() => undefined);
    far.end(Buffer.of(200, 0, 0, 0, 7));
    assert.match(String(await closed(link)), /within a frame/);
    far.destroy();
  });

  it('closes when the other side does not read what it is sent', async () => {
    const [near, far] = await openSocketPair();
    far.pause();
    const link = new SocketLink(near);
    const end = closed(link);
    let isOpen = true;
    link.onClose(() => {
      isOpen = false;
    });
    const bytes = Buffer.alloc(64 * 1024);
    for (let sent = 0; isOpen && sent < 100; sent += 1) {
      for (let count = 0; count < 16; count += 1) link.send({ type: 'data', id: 2, bytes });
      await new Promise(setImmediate);
    }
    assert.match(String(await end), /does not read/);
    far.destroy();
  });

  it('refuses tasks, which run in threads', async () => {
    await using links = await openSocketLinks();
    const task = { module: 'file:///a.ts', name: 'run', input: undefined };
    assert.throws(() => links.pool.send({ type: 'task', id: 2, ...task }), /run in threads/);
  });
});
