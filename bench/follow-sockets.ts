/**
 * Clients of WebSockets, as little of each as counts messages and answers pings, in a process of
 * their own. Asked over HTTP, it says what came since the last time. Started by openChildServer.
 *
 *   node bench/follow-sockets.ts PORT PATH COUNT
 *
 * It is ready when all have joined. The delay of a message is from the instant that stands at its
 * end to when its last byte is here; both are by the clock of this host.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { percentile } from './statistics.ts';

const AT_ONCE = 100;
const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
/** `2026-01-31T12:00:00.000Z"}` */
const INSTANT_FROM_END = 26;
const INSTANT_LENGTH = 24;
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const NONE = Buffer.alloc(0);

const [port = '', path = '/', count = '1'] = process.argv.slice(2);
const seen = { messages: 0, bytes: 0, lost: 0, delaysMs: [] as number[] };
let instant = { text: '', ms: 0 };

function parseInstant(text: string): number {
  if (instant.text !== text) instant = { text, ms: Date.parse(text) };
  return instant.ms;
}

/** Hears frames, which servers do not mask. */
class Follower {
  readonly #socket: Socket;
  #rest: Buffer = NONE;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      seen.lost += 1;
    });
  }

  take(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const nowMs = performance.timeOrigin + performance.now();
    for (;;) {
      const size = frameSize(bytes);
      if (size === undefined || bytes.length < size) break;
      this.#hear(bytes.subarray(0, size), nowMs);
      bytes = bytes.subarray(size);
    }
    this.#rest = bytes.length === 0 ? NONE : bytes;
  }

  #hear(frame: Buffer, nowMs: number): void {
    const opcode = (frame[0] ?? 0) & 0x0f;
    if (opcode === PING) this.#socket.write(PONG);
    if (opcode === CLOSE) this.#socket.destroy();
    if (opcode !== TEXT) return;
    seen.messages += 1;
    seen.bytes += frame.length;
    const from = frame.length - INSTANT_FROM_END;
    const sentMs = parseInstant(frame.toString('latin1', from, from + INSTANT_LENGTH));
    seen.delaysMs.push(nowMs - sentMs);
  }
}

/** Undefined while that is not to be told from these bytes. */
function frameSize(bytes: Buffer): number | undefined {
  const short = (bytes[1] ?? 0) & 0x7f;
  if (bytes.length < 2) return undefined;
  if (short < 126) return 2 + short;
  if (short === 126) return bytes.length < 4 ? undefined : 4 + bytes.readUInt16BE(2);
  return bytes.length < 10 ? undefined : 10 + bytes.readUIntBE(4, 6);
}

async function join(): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
  await once(socket, 'connect');
  socket.write(
    [
      `GET ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      ...['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'],
      ...['Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', 'Authorization: Bearer dev_operator'],
      '\r\n',
    ].join('\r\n'),
  );
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let head = NONE;
  socket.on('error', reject);
  const begin = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    socket.off('data', begin);
    const [status = ''] = head.toString('latin1', 0, end).split('\r\n');
    if (!status.includes(' 101 ')) reject(new Error(`it answered ${head.toString()}`));
    const follower = new Follower(socket);
    socket.on('data', (data: Buffer) => follower.take(data));
    follower.take(head.subarray(end + 4));
    resolve();
  };
  socket.on('data', begin);
  await promise;
}

let waiting = Number(count);
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (; waiting > 0;) {
      waiting -= 1;
      await join();
    }
  }),
);

const server = createServer((_, response) => {
  const { delaysMs, ...counts } = seen;
  const hasAny = delaysMs.length > 0;
  const p99Ms = hasAny ? percentile(delaysMs, 0.99) : null;
  const p50Ms = hasAny ? percentile(delaysMs, 0.5) : null;
  response.end(JSON.stringify({ ...counts, p50Ms, p99Ms }));
  Object.assign(seen, { messages: 0, bytes: 0, lost: 0, delaysMs: [] });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address() as AddressInfo;
process.stdout.write(`ready http://127.0.0.1:${address.port}\n`);
process.stdin.resume();
await Promise.race([once(process.stdin, 'end'), once(process, 'SIGTERM')]);
process.exit();
