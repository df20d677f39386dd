/** A network between a browser and a site that can be cut, and is whole again after that. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export class BreakableNetwork implements AsyncDisposable {
  readonly #server = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  readonly #port: number;
  #isCut = false;

  private constructor(port: number) {
    this.#port = port;
  }

  /** In front of this port of the loopback. */
  static async open(port: number): Promise<BreakableNetwork> {
    const network = new BreakableNetwork(port);
    await once(network.#server.listen(0, '127.0.0.1'), 'listening');
    return network;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server.close(), 'close');
    this.cut();
    await closed;
  }

  #join(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#isCut) {
      client.destroy();
      return;
    }
    const server = connect(this.#port, '127.0.0.1');
    const pair = [client, server] as const;
    for (const socket of pair) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        for (const each of pair) each.destroy();
      });
    }
    client.pipe(server).pipe(client);
  }
}
