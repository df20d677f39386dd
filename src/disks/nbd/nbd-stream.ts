/** The bytes between an NBD server and us, over a socket of this host. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { brokenProtocol, connectionLost } from './nbd-messages.ts';

/** What is not data is no longer than this, whatever the server announces. */
const LONGEST_MESSAGE = 1024 * 1024;

export class NbdStream implements Disposable {
  readonly #socket: Socket;
  readonly #parts: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #failure: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#parts = (socket as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    // Whoever reads is told of it there.
    socket.on('error', () => undefined);
  }

  static async connect(path: string, signal: AbortSignal): Promise<NbdStream> {
    signal.throwIfAborted();
    const socket = connect({ path });
    try {
      await once(socket, 'connect', { signal });
    } catch (cause) {
      socket.on('error', () => undefined).destroy();
      signal.throwIfAborted();
      throw connectionLost(cause);
    }
    return new NbdStream(socket);
  }

  /** Exactly as many bytes as there is room for. Only one call at a time. */
  async fill(target: Uint8Array): Promise<void> {
    let filled = 0;
    while (filled < target.length) {
      if (this.#rest.length === 0) this.#rest = await this.#next();
      const part = this.#rest.subarray(0, target.length - filled);
      target.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
  }

  async read(length: number): Promise<Buffer> {
    if (length > LONGEST_MESSAGE) throw brokenProtocol(`a message has ${length} bytes`);
    const bytes = Buffer.allocUnsafe(length);
    await this.fill(bytes);
    return bytes;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Whoever reads gets this as the reason. */
  fail(reason: Error): void {
    this.#failure ??= reason;
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.fail(connectionLost());
  }

  async #next(): Promise<Buffer> {
    let next: IteratorResult<Buffer, unknown>;
    try {
      next = await this.#parts.next();
    } catch (cause) {
      throw this.#failure ?? connectionLost(cause);
    }
    if (next.done === true) throw this.#failure ?? connectionLost();
    return next.value;
  }
}
