/**
 * Requests to an NBD server, several under way at once, and its replies in whatever order they
 * come, in one piece or in many:
 *
 *   read ────┐                        ┌─▶ simple reply: error or all of the data
 *   status ──┴─▶ request (cookie) ──▶ │
 *                                     └─▶ chunk, chunk… last chunk
 *
 * Every byte of a read is told of exactly once, or it has failed. A server that says what it was
 * not asked for, or more than it was asked for, is not listened to any further: all that is under
 * way fails with the same reason, and so does what is asked afterwards.
 */
import { openDeadline, untilAborted } from '#kernel/abort.ts';
import type { Clock, Timer } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { negotiate, type NbdExport } from './nbd-handshake.ts';
import {
  brokenProtocol,
  CHUNK_FAILED,
  CHUNK_IS_LAST,
  COMMAND,
  connectionLost,
  encodeRequest,
  readWhole,
  requestFailed,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from './nbd-messages.ts';
import { PendingRead, PendingStatus, type Stretch } from './nbd-pending.ts';
import { NbdStream } from './nbd-stream.ts';

/** To log in to a vCenter, and to open a disk there, takes its time. */
const HANDSHAKE_MS = 60 * SECOND_MS;
/** Of silence, with requests under way. */
const SILENCE_MS = 60 * SECOND_MS;
const LONGEST_FAILURE = 8 * 1024;

export interface NbdConnectionOptions {
  readonly socketPath: string;
  readonly exportName: string;
  readonly clock: Clock;
  readonly silenceMs?: number;
}

type Pending = PendingRead | PendingStatus;

export class NbdConnection implements Disposable {
  readonly export: NbdExport;
  readonly #stream: NbdStream;
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  readonly #watch: Timer;
  #cookie = 0;
  #heardMs: number;
  #failure: Error | undefined;

  private constructor(
    stream: NbdStream,
    agreed: NbdExport,
    { clock, silenceMs = SILENCE_MS }: NbdConnectionOptions,
  ) {
    this.export = agreed;
    this.#stream = stream;
    this.#clock = clock;
    this.#heardMs = clock.monotonicMs();
    this.#watch = clock.every(silenceMs / 4, () => this.#assertHeard(silenceMs));
    void this.#receive();
  }

  static async open(options: NbdConnectionOptions, signal: AbortSignal): Promise<NbdConnection> {
    const { socketPath, exportName, clock } = options;
    using deadline = openDeadline(clock, HANDSHAKE_MS, 'opening the disk over NBD', signal);
    const stream = await NbdStream.connect(socketPath, deadline.signal);
    try {
      const agreed = await untilAborted(negotiate(stream, exportName), deadline.signal);
      return new NbdConnection(stream, agreed, options);
    } catch (thrown) {
      stream[Symbol.dispose]();
      throw thrown;
    }
  }

  /** Fills all of the target. No longer than a request may be. */
  async read(offset: number, target: Uint8Array): Promise<void> {
    await this.#request(new PendingRead(offset, target), COMMAND.read);
  }

  /** From `offset` on, one after the other; at least one. They may reach past what was asked. */
  async allocation(offset: number, length: number): Promise<readonly Stretch[]> {
    const { allocationContext: context } = this.export;
    if (context === undefined) return [{ offset, length, isZero: false }];
    const asked = new PendingStatus({ offset, length, context });
    await this.#request(asked, COMMAND.blockStatus);
    return asked.stretches;
  }

  [Symbol.dispose](): void {
    if (this.#failure === undefined) {
      this.#stream.write(
        encodeRequest({ command: COMMAND.disconnect, cookie: 0, offset: 0, length: 0 }),
      );
    }
    this.#fail(connectionLost());
  }

  async #request(pending: Pending, command: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#cookie += 1;
    const cookie = this.#cookie;
    if (this.#pending.size === 0) this.#heardMs = this.#clock.monotonicMs();
    this.#pending.set(cookie, pending);
    const { offset, length } = pending;
    this.#stream.write(encodeRequest({ command, cookie, offset, length }));
    await pending.done;
  }

  async #receive(): Promise<void> {
    try {
      for (;;) await this.#receiveReply();
    } catch (thrown) {
      this.#fail(thrown instanceof Error ? thrown : connectionLost(thrown));
    }
  }

  async #receiveReply(): Promise<void> {
    const magic = (await this.#stream.read(4)).readUInt32BE(0);
    this.#heardMs = this.#clock.monotonicMs();
    if (magic === SIMPLE_REPLY_MAGIC) await this.#receiveSimple();
    else if (magic === STRUCTURED_REPLY_MAGIC) await this.#receiveChunk();
    else throw brokenProtocol('a reply begins otherwise');
    this.#heardMs = this.#clock.monotonicMs();
  }

  async #receiveSimple(): Promise<void> {
    const head = await this.#stream.read(12);
    const { cookie, pending } = this.#find(head, 4);
    const error = head.readUInt32BE(0);
    if (error !== 0) {
      this.#pending.delete(cookie);
      pending.fail(requestFailed(pending.what, error));
      return;
    }
    // Where chunks were agreed on, data comes in nothing else.
    if (this.export.isStructured || !(pending instanceof PendingRead)) {
      throw brokenProtocol('a reply has no structure');
    }
    await this.#stream.fill(pending.target);
    this.#pending.delete(cookie);
    pending.fulfil();
  }

  async #receiveChunk(): Promise<void> {
    if (!this.export.isStructured) throw brokenProtocol('a reply has a structure');
    const head = await this.#stream.read(16);
    const { cookie, pending } = this.#find(head, 4);
    const [flags, type, length] = [
      head.readUInt16BE(0),
      head.readUInt16BE(2),
      head.readUInt32BE(12),
    ];
    if (type >= CHUNK_FAILED) pending.fail(await this.#readFailure(pending, length));
    else await pending.take({ type, length }, this.#stream);
    if ((flags & CHUNK_IS_LAST) === 0) return;
    this.#pending.delete(cookie);
    pending.close();
  }

  async #readFailure({ what }: Pending, length: number): Promise<DroverError> {
    if (length < 6 || length > LONGEST_FAILURE) throw brokenProtocol('a failure has no reason');
    const body = await this.#stream.read(length);
    const end = 6 + body.readUInt16BE(4);
    if (end > length) throw brokenProtocol('a failure is cut off');
    return requestFailed(what, body.readUInt32BE(0), body.toString('utf8', 6, end));
  }

  #find(head: Buffer, at: number): { readonly cookie: number; readonly pending: Pending } {
    const cookie = readWhole(head, at);
    const pending = this.#pending.get(cookie);
    if (pending === undefined) throw brokenProtocol('it answers what was not asked');
    return { cookie, pending };
  }

  #assertHeard(silenceMs: number): void {
    if (this.#pending.size === 0) return;
    if (this.#clock.monotonicMs() - this.#heardMs < silenceMs) return;
    this.#fail(
      new DroverError('unavailable', `the NBD server has been silent for ${silenceMs} ms`, {
        reason: 'NBD_SILENT',
      }),
    );
  }

  #fail(reason: Error): void {
    this.#failure ??= reason;
    this.#watch.cancel();
    this.#stream.fail(this.#failure);
    for (const pending of this.#pending.values()) pending.fail(this.#failure);
    this.#pending.clear();
  }
}
