import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { encodeTexts, LiveBatch } from './live-batch.ts';

describe('messages that are told together', () => {
  it('are the frames that a client reads as these texts, of whatever size', async (t) => {
    const texts = [0, 1, 125, 126, 65_535, 65_536, 200_000].map((size) => 'x'.repeat(size));
    texts.push('ä€😀');
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    t.after(() => {
      for (const each of server.clients) each.terminate();
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    server.on('connection', (_client, { socket }) => {
      socket.write(encodeTexts(texts));
      socket.end(new LiveBatch([{ key: 'a', text: 'the end' }], { hasPing: true }).bytes);
    });
    const client = new WebSocket(`ws://127.0.0.1:${port}`);
    const heard: string[] = [];
    client.on('message', (data: Buffer) => heard.push(data.toString()));
    client.on('ping', () => heard.push('ping'));
    client.on('error', () => undefined);
    await once(client, 'close');
    assert.deepEqual(heard, [...texts, 'the end', 'ping']);
  });

  it('are put into bytes once', () => {
    const batch = new LiveBatch([{ key: 'a', text: 'one' }]);
    assert.equal(batch.bytes, batch.bytes);
    assert.deepEqual([...batch.bytes], [0x81, 3, ...Buffer.from('one')]);
  });
});
