/** A TCP client that sends exactly the bytes it is told to, when it is told to. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawClient extends Disposable {
  readonly socket: Socket;
  send(text: string): void;
  /** Resolves with all that was received once it holds `part`. */
  receive(part: string): Promise<string>;
  /** Resolves with all that was received once the server closed the connection. */
  closed(): Promise<string>;
}

export async function openRawClient(port: number): Promise<RawClient> {
  const socket = connect({ host: '127.0.0.1', port });
  let received = '';
  const ended = Promise.withResolvers<void>();
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    received += chunk;
    socket.emit('received');
  });
  socket.once('close', () => {
    socket.emit('received');
    ended.resolve();
  });
  await once(socket, 'connect');
  // A reset is one of the ways a server closes; what counts is that it is closed.
  socket.on('error', () => {});
  return {
    socket,
    send: (text) => void socket.write(text, 'latin1'),
    receive: async (part) => {
      while (!received.includes(part)) {
        if (socket.destroyed) throw new Error(`closed before ${JSON.stringify(part)}: ${received}`);
        await once(socket, 'received');
      }
      return received;
    },
    closed: async () => {
      await ended.promise;
      return received;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
