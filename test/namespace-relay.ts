/**
 * Reaches a port inside a network namespace from outside of it, through a socket in the file
 * system, which namespaces share:
 *
 *     127.0.0.1:FREE (this process) ─▶ unix socket ─▶ child in the namespace ─▶ 127.0.0.1:PORT
 *
 * Run as a program, with the path of the socket and the port, this file is that child.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { NetworkNamespace } from '#test/network-namespace.ts';

export interface Relay extends AsyncDisposable {
  readonly url: string;
}

const PROGRAM = fileURLToPath(import.meta.url);

export async function openRelay(
  namespace: NetworkNamespace,
  { port, socketPath }: { readonly port: number; readonly socketPath: string },
): Promise<Relay> {
  const child = namespace.start(process.execPath, [PROGRAM, socketPath, String(port)]);
  if (child.stdout === null) throw new Error('the relay has no stdout');
  await once(createInterface({ input: child.stdout }), 'line');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    join(socket, connect(socketPath));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    },
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function join(near: Socket, far: Socket): void {
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.pipe(other);
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}

if (process.argv[1] === PROGRAM) {
  const [socketPath, port] = process.argv.slice(2);
  const server = createServer((socket) => join(socket, connect(Number(port), '127.0.0.1')));
  server.listen(socketPath, () => process.stdout.write('listening\n'));
}
