/**
 * One end of a stream of bytes between two network namespaces, run as a program:
 *
 *     tcp-stream.ts receive PORT SKIP COUNT    prints `listening`, then bytes per second
 *     tcp-stream.ts send ADDRESS PORT          sends until the other end closes
 *
 * The receiver's clock starts after SKIP bytes, when buckets and buffers are full, and it measures
 * over COUNT bytes.
 */
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

const CHUNK = Buffer.alloc(64 * 1024);

function measure(socket: Socket, skipBytes: number, countBytes: number): void {
  let receivedBytes = 0;
  let start: { readonly bytes: number; readonly atMs: number } | undefined;
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    receivedBytes += chunk.length;
    if (receivedBytes < skipBytes) return;
    start ??= { bytes: receivedBytes, atMs: performance.now() };
    const bytes = receivedBytes - start.bytes;
    if (bytes < countBytes) return;
    socket.destroy();
    const seconds = (performance.now() - start.atMs) / 1000;
    process.stdout.write(`${Math.round(bytes / seconds)}\n`);
  });
}

function send(socket: Socket): void {
  const fill = () => {
    while (socket.write(CHUNK)) continue;
  };
  socket.on('error', () => undefined);
  socket.on('drain', fill);
  socket.on('connect', fill);
}

const [role, ...args] = process.argv.slice(2);
if (role === 'receive') {
  const [port, skipBytes, countBytes] = args.map(Number);
  const server = createServer((socket) => {
    server.close();
    measure(socket, skipBytes ?? 0, countBytes ?? 0);
  });
  server.listen(port, '0.0.0.0', () => process.stdout.write('listening\n'));
} else {
  send(connect(Number(args[1]), args[0]));
}
