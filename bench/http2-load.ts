/**
 * The least that can ask over HTTP/2 in the clear: sessions that keep a number of streams open,
 * each sending the same header block and body. Node's own HTTP/2 client would need more CPU than
 * the servers it is to measure.
 *
 * Of RFC 9113 it speaks what a well-behaved server makes necessary: settings are acknowledged,
 * pings answered, windows kept open. Headers are sent without compression (RFC 7541 §6.2.2) and
 * not read: a gRPC call that failed is told by its having no message.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Load } from './http1-load.ts';

export interface Http2Request {
  readonly port: number;
  /** Pseudo headers first. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const FRAME_HEAD_BYTES = 9;
const STREAM_AT = 5;
const NOTHING = Buffer.alloc(0);
const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, window: 8 } as const;
const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;
const INITIAL_WINDOW_SETTING = 4;
const WIDEST_WINDOW = 2 ** 31 - 1;
const DEFAULT_WINDOW = 65_535;
/** The window of the connection is opened again when this much of it is used up. */
const REOPEN_BYTES = 2 ** 28;

export async function loadHttp2(
  request: Http2Request,
  options: {
    readonly connections: number;
    readonly streams: number;
    readonly durationMs: number;
  },
): Promise<Load> {
  const { connections, streams, durationMs } = options;
  using stack = new DisposableStack();
  const sessions = await Promise.all(
    Array.from({ length: connections }, () => Session.open(request)),
  );
  for (const session of sessions) stack.use(session);
  const startedMs = performance.now();
  const endMs = startedMs + durationMs;
  const calls = await Promise.all(sessions.map((session) => session.load(streams, endMs)));
  return {
    calls: calls.reduce((sum, count) => sum + count, 0),
    seconds: (performance.now() - startedMs) / 1000,
  };
}

class Session implements Disposable {
  readonly #socket: Socket;
  /** A whole call; only the number of its stream is filled in each time. */
  readonly #call: Buffer;
  readonly #dataFrameAt: number;
  readonly #done = Promise.withResolvers<number>();
  /** The bytes of messages that each open stream received. */
  readonly #open = new Map<number, number>();
  #received: Buffer = Buffer.alloc(0);
  #nextStream = 1;
  #calls = 0;
  #endMs = 0;
  #unacknowledged = 0;

  private constructor(socket: Socket, request: Http2Request) {
    this.#socket = socket;
    const headers = encodeHeaders(request.headers);
    this.#dataFrameAt = FRAME_HEAD_BYTES + headers.length;
    this.#call = Buffer.concat([
      frame(TYPE.headers, { flags: FLAG.endHeaders, payload: headers }),
      frame(TYPE.data, { flags: FLAG.endStream, payload: request.body }),
    ]);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#done.reject(error));
    socket.on('close', () => this.#done.reject(new Error('the server hung up')));
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(INITIAL_WINDOW_SETTING);
    settings.writeUInt32BE(WIDEST_WINDOW, 2);
    socket.write(
      Buffer.concat([
        PREFACE,
        frame(TYPE.settings, { payload: settings }),
        frame(TYPE.window, { payload: uint32(WIDEST_WINDOW - DEFAULT_WINDOW) }),
      ]),
    );
  }

  static async open(request: Http2Request): Promise<Session> {
    const socket = connect({ host: '127.0.0.1', port: request.port, noDelay: true });
    await once(socket, 'connect');
    return new Session(socket, request);
  }

  /** Resolves with the number of calls when the last one begun before `endMs` is answered. */
  load(streams: number, endMs: number): Promise<number> {
    this.#endMs = endMs;
    this.#socket.write(Buffer.concat(Array.from({ length: streams }, () => this.#nextCall())));
    return this.#done.promise;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #nextCall(): Buffer {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#open.set(stream, 0);
    const call = Buffer.from(this.#call);
    call.writeUInt32BE(stream, STREAM_AT);
    call.writeUInt32BE(stream, this.#dataFrameAt + STREAM_AT);
    return call;
  }

  #take(chunk: Buffer): void {
    const bytes = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const replies: Buffer[] = [];
    let at = 0;
    while (bytes.length - at >= FRAME_HEAD_BYTES) {
      const end = at + FRAME_HEAD_BYTES + bytes.readUIntBE(at, 3);
      if (bytes.length < end) break;
      this.#onFrame(bytes.subarray(at, end), replies);
      at = end;
    }
    this.#received = bytes.subarray(at);
    if (replies.length > 0) this.#socket.write(Buffer.concat(replies));
  }

  #onFrame(bytes: Buffer, replies: Buffer[]): void {
    const [type, flags] = [bytes.readUInt8(3), bytes.readUInt8(4)];
    const stream = bytes.readUInt32BE(STREAM_AT);
    const payload = bytes.subarray(FRAME_HEAD_BYTES);
    if (type === TYPE.settings && (flags & FLAG.ack) === 0) {
      replies.push(frame(TYPE.settings, { flags: FLAG.ack }));
    } else if (type === TYPE.ping && (flags & FLAG.ack) === 0) {
      replies.push(frame(TYPE.ping, { flags: FLAG.ack, payload }));
    } else if (type === TYPE.reset || type === TYPE.goaway) {
      this.#done.reject(new Error(`the server ended stream ${stream}: ${payload.toString('hex')}`));
    } else if (type === TYPE.data) {
      this.#open.set(stream, (this.#open.get(stream) ?? 0) + payload.length);
      this.#countForWindow(payload.length, replies);
    }
    const mayEnd = type === TYPE.headers || type === TYPE.data;
    if (mayEnd && (flags & FLAG.endStream) !== 0) this.#onAnswer(stream, replies);
  }

  #onAnswer(stream: number, replies: Buffer[]): void {
    if (this.#open.get(stream) === 0) {
      this.#done.reject(new Error('a call was answered without a message, so it failed'));
    }
    this.#open.delete(stream);
    this.#calls += 1;
    if (performance.now() < this.#endMs) replies.push(this.#nextCall());
    else if (this.#open.size === 0) this.#done.resolve(this.#calls);
  }

  #countForWindow(bytes: number, replies: Buffer[]): void {
    this.#unacknowledged += bytes;
    if (this.#unacknowledged < REOPEN_BYTES) return;
    replies.push(frame(TYPE.window, { payload: uint32(this.#unacknowledged) }));
    this.#unacknowledged = 0;
  }
}

function frame(
  type: number,
  { flags = 0, payload = NOTHING }: { readonly flags?: number; readonly payload?: Buffer },
): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  return Buffer.concat([head, payload]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function encodeHeaders(headers: Http2Request['headers']): Buffer {
  return Buffer.concat(
    headers.flatMap(([name, value]) => [Buffer.of(0), encodeText(name), encodeText(value)]),
  );
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  // Longer ones would need a length in several bytes, which no header sent here has.
  if (bytes.length >= 127) throw new Error(`too long for a header here: ${text}`);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}
