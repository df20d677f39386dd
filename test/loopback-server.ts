/** Servers for the code under test to call, on the loopback and gone at the end of the block. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Server as TcpServer } from 'node:net';

export interface LoopbackServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
}

export function openServer(listener: RequestListener): Promise<LoopbackServer> {
  return listening(createServer(listener));
}

export async function listening(server: Server | TcpServer): Promise<LoopbackServer> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server.close(), 'close');
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
    },
  };
}
