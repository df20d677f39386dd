/** A network in front of a server that breaks each connection after so many bytes of answers. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export class CuttingRelay implements AsyncDisposable {
  readonly #server = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  readonly #port: number;
  readonly #everyBytes: number;
  /** How many connections it broke. */
  cuts = 0;

  private constructor(port: number, everyBytes: number) {
    this.#port = port;
    this.#everyBytes = everyBytes;
  }

  static async open(url: string, everyBytes: number): Promise<CuttingRelay> {
    const relay = new CuttingRelay(Number(new URL(url).port), everyBytes);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `https://127.0.0.1:${port}/sdk`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(client: Socket): void {
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
    let left = this.#everyBytes;
    client.pipe(server);
    server.on('data', (bytes: Buffer) => {
      left -= bytes.length;
      if (left <= 0) {
        this.cuts += 1;
        client.resetAndDestroy();
      } else if (!client.write(bytes)) {
        server.pause();
        client.once('drain', () => server.resume());
      }
    });
  }
}
