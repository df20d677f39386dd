/**
 * The least that can ask over HTTP/1.1: connections that send the same bytes again and again and
 * look at no more of the answers than it takes to know that each is whole and is a 200. A client
 * of a library would need more CPU than the servers it is to measure.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Http1Request {
  /** POST when left out. */
  readonly method?: 'GET';
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const LENGTH = /^content-length: *(\d+)\r?$/im;

export function encodeHttp1({ method, port, path, headers, body }: Http1Request): Buffer {
  const lines = [
    `${method ?? 'POST'} ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`);
}

/** One connection, one request at a time. */
export class Http1Connection implements Disposable {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #answered: PromiseWithResolvers<Buffer> | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#answered?.reject(error));
    socket.on('close', () => this.#answered?.reject(new Error('the server hung up')));
  }

  static async open(port: number): Promise<Http1Connection> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new Http1Connection(socket);
  }

  /** The answer, head and body together. */
  ask(request: Buffer): Promise<Buffer> {
    this.#answered = Promise.withResolvers();
    this.#socket.write(request);
    return this.#answered.promise;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = this.#received.toString('latin1', 0, headEnd);
    const length = LENGTH.exec(head)?.[1];
    const isWhole =
      length === undefined
        ? this.#received.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)
        : this.#received.length >= headEnd + HEAD_END.length + Number(length);
    if (!isWhole) return;
    const answer = this.#received;
    this.#received = Buffer.alloc(0);
    if (head.startsWith('HTTP/1.1 200 ')) this.#answered?.resolve(answer);
    else this.#answered?.reject(new Error(`unexpected answer: ${answer.toString()}`));
  }
}

export interface Load {
  readonly calls: number;
  readonly seconds: number;
}

export interface TimedLoad extends Load {
  /** Of each call, in no order. */
  readonly latenciesMs: readonly number[];
}

/** As many requests as are answered in `durationMs`, `connections` at a time. */
export async function loadHttp1(
  request: Http1Request,
  options: { readonly connections: number; readonly durationMs: number },
): Promise<TimedLoad> {
  const encoded = encodeHttp1(request);
  const latenciesMs: number[] = [];
  using stack = new DisposableStack();
  const connections = await Promise.all(
    Array.from({ length: options.connections }, () => Http1Connection.open(request.port)),
  );
  for (const connection of connections) stack.use(connection);
  const startedMs = performance.now();
  const endMs = startedMs + options.durationMs;
  await Promise.all(
    connections.map(async (connection) => {
      for (let beganMs = startedMs; beganMs < endMs;) {
        await connection.ask(encoded);
        const answeredMs = performance.now();
        latenciesMs.push(answeredMs - beganMs);
        beganMs = answeredMs;
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  return { calls: latenciesMs.length, seconds, latenciesMs };
}
