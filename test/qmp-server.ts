/** Stands in for QEMU's monitor: a test says what it answers, and when. */
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface QmpRequest {
  readonly execute: string;
  readonly arguments?: unknown;
  readonly id: number;
}

/** The answer's fields beside the id; undefined: none. */
export type QmpAnswer = (request: QmpRequest) => object | undefined;

export class QmpServer implements AsyncDisposable {
  readonly path: string;
  readonly requests: QmpRequest[] = [];
  readonly #directory: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #received = new EventEmitter();

  private constructor(directory: string, greeting: string, answer: QmpAnswer) {
    this.#directory = directory;
    this.path = join(directory, 'qmp.sock');
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.write(greeting);
      createInterface(socket).on('line', (line) => {
        const request = JSON.parse(line) as QmpRequest;
        this.requests.push(request);
        this.#received.emit('request');
        const isHandshake = request.execute === 'qmp_capabilities';
        const fields = isHandshake ? { return: {} } : answer(request);
        if (fields !== undefined) this.send({ id: request.id, ...fields });
      });
    });
  }

  static async open(
    answer: QmpAnswer,
    greeting = '{"QMP": {"version": {}, "capabilities": []}}\r\n',
  ): Promise<QmpServer> {
    const directory = mkdtempSync(join(tmpdir(), 'drover-qmp-'));
    const server = new QmpServer(directory, greeting, answer);
    server.#server.listen(server.path);
    await once(server.#server, 'listening');
    return server;
  }

  /** Resolves when so many requests have come, the handshake's included. */
  async hasReceived(count: number): Promise<void> {
    while (this.requests.length < count) await once(this.#received, 'request');
  }

  send(message: object): void {
    this.sendText(`${JSON.stringify(message)}\r\n`);
  }

  sendText(text: string): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dropAll();
    this.#server.close();
    await once(this.#server, 'close');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
