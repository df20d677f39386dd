/**
 * A connection to QEMU's monitor (QMP).
 *
 *     connect ─▶ greeting ─▶ qmp_capabilities ─▶ commands, answered by id, and events ─▶ closed
 *
 * Each command has a deadline. When the socket is lost, by either side, every pending command
 * fails with `unavailable` and `closed` resolves; a client does not connect again.
 */
import { writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

import { openDeadline, untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, systemErrorCode, toDroverError } from '#kernel/errors.ts';
import {
  parseQmpEvent,
  QMP_RESULT_PARSERS,
  type QmpCommandName,
  type QmpCommands,
  type QmpEvent,
} from './qmp-commands.ts';
import { QmpReader, type QmpMessage } from './qmp-reader.ts';

export interface QmpClientOptions {
  readonly clock: Clock;
  /** Bounds connecting and the handshake. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: QmpEvent) => void;
  readonly commandTimeoutMs?: number;
}

export interface ExecuteOptions<Name extends QmpCommandName> {
  readonly arguments?: QmpCommands[Name]['arguments'];
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

const COMMAND_MS = 5000;
const MOST_PENDING = 64;

interface Pending {
  readonly name: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: DroverError) => void;
}

export class QmpClient implements Disposable {
  /** Resolves when the connection is gone; never rejects. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #options: QmpClientOptions;
  readonly #reader = new QmpReader();
  readonly #pending = new Map<number, Pending>();
  readonly #greeted = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #nextId = 1;
  #lost: DroverError | undefined;

  constructor(socket: Socket, options: QmpClientOptions) {
    this.#socket = socket;
    this.#options = options;
    this.closed = this.#closed.promise;
    // Nobody waits for a greeting once the handshake is over.
    this.#greeted.promise.catch(() => undefined);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#lose(lostError(error)));
    socket.on('close', () => this.#lose(lostError(undefined)));
  }

  get isOpen(): boolean {
    return this.#lost === undefined;
  }

  async handshake(signal: AbortSignal): Promise<void> {
    await untilAborted(this.#greeted.promise, signal);
    await this.execute('qmp_capabilities', { signal });
  }

  async execute<Name extends QmpCommandName>(
    name: Name,
    options: ExecuteOptions<Name> = {},
  ): Promise<QmpCommands[Name]['result']> {
    this.#assertOpen();
    if (this.#pending.size >= MOST_PENDING) {
      throw new DroverError('unavailable', 'QEMU does not keep up with its commands', {
        reason: 'QMP_BUSY',
      });
    }
    const id = this.#nextId++;
    const timeoutMs = options.timeoutMs ?? this.#options.commandTimeoutMs ?? COMMAND_MS;
    using deadline = openDeadline(this.#options.clock, timeoutMs, `QEMU's ${name}`, options.signal);
    const answer = Promise.withResolvers<unknown>();
    // It may fail before it is waited for, and an answer that comes after all is nobody's.
    answer.promise.catch(() => undefined);
    this.#pending.set(id, { name, resolve: answer.resolve, reject: answer.reject });
    // A guest lives on without Drover, and Drover may end without it, but not amid a command.
    this.#socket.ref();
    // What QEMU has said is heard first. Writing to one that has just left destroys the connection,
    // and with it the event, still unread, that tells why it left.
    await new Promise((resolve) => setImmediate(resolve));
    const args = options.arguments === undefined ? {} : { arguments: options.arguments };
    try {
      this.#assertOpen();
      this.#write(Buffer.from(`${JSON.stringify({ execute: name, ...args, id })}\n`));
      return QMP_RESULT_PARSERS[name](await untilAborted(answer.promise, deadline.signal));
    } finally {
      this.#pending.delete(id);
      if (this.#pending.size === 0) this.#socket.unref();
    }
  }

  [Symbol.dispose](): void {
    this.#lose(lostError(undefined));
  }

  /**
   * Past the stream, where it can be: a QEMU that has just left answers EPIPE, for which a stream
   * throws away what is still to be read, and that tells why it left. The end is read soon after.
   */
  #write(line: Buffer): void {
    const fd: unknown = Reflect.get(Object(Reflect.get(this.#socket, '_handle')), 'fd');
    if (typeof fd !== 'number' || fd < 0 || this.#socket.writableLength > 0) {
      this.#socket.write(line);
      return;
    }
    try {
      const written = writeSync(fd, line);
      if (written < line.length) this.#socket.write(line.subarray(written));
    } catch (thrown) {
      const code = systemErrorCode(thrown);
      if (code === 'EPIPE' || code === 'ECONNRESET') return;
      // Its buffer is full, and the stream waits for room.
      this.#socket.write(line);
    }
  }

  #assertOpen(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  #receive(chunk: Buffer): void {
    if (this.#lost !== undefined) return;
    try {
      for (const message of this.#reader.push(chunk)) this.#handle(message);
    } catch (thrown) {
      this.#lose(toDroverError(thrown));
    }
  }

  #handle(message: QmpMessage): void {
    switch (message.kind) {
      case 'greeting':
        this.#greeted.resolve();
        break;
      case 'event': {
        const event = parseQmpEvent(message.name, message.data);
        if (event !== undefined) this.#options.onEvent(event);
        break;
      }
      case 'return':
        this.#take(message.id)?.resolve(message.value);
        break;
      case 'error': {
        const pending = this.#take(message.id);
        pending?.reject(refusedError(pending.name, message));
        break;
      }
    }
  }

  #take(id: unknown): Pending | undefined {
    return typeof id === 'number' ? this.#pending.get(id) : undefined;
  }

  #lose(error: DroverError): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.#socket.destroy();
    this.#greeted.reject(error);
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#closed.resolve();
  }
}

/** Connected, greeted, and ready for commands. */
export async function openQmpClient(path: string, options: QmpClientOptions): Promise<QmpClient> {
  const socket = connect({ path });
  const client = new QmpClient(socket, options);
  try {
    await client.handshake(options.signal);
    return client;
  } catch (thrown) {
    client[Symbol.dispose]();
    throw thrown;
  }
}

function lostError(cause: Error | undefined): DroverError {
  return new DroverError('unavailable', 'the connection to QEMU is lost', {
    reason: 'QMP_DISCONNECTED',
    cause,
  });
}

function refusedError(
  name: string,
  { errorClass, description }: Extract<QmpMessage, { kind: 'error' }>,
): DroverError {
  return new DroverError('failed_precondition', 'QEMU refused the command', {
    reason: 'QMP_REFUSED',
    context: { command: name, errorClass, description },
  });
}
