/** An NBD server that says what a test tells it to, right or wrong. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface NbdRequest {
  readonly command: number;
  readonly cookie: bigint;
  readonly offset: bigint;
  readonly length: number;
}

export interface NbdScript {
  /** Instead of the greeting. */
  readonly greeting?: Buffer;
  readonly endsAfterGreeting?: boolean;
  /** Instead of the answer to an option; undefined for the usual one. */
  readonly onOption?: (option: number, reply: typeof optionReply) => Buffer | undefined;
  readonly sizeBytes?: bigint;
  /** What is sent for a request, now or later. */
  readonly onRequest?: (request: NbdRequest, send: (bytes: Buffer) => void) => void;
}

export interface ScriptedNbd extends AsyncDisposable {
  readonly socketPath: string;
  readonly requests: readonly NbdRequest[];
  /** What each client took of the greeting. */
  readonly flags: readonly number[];
  /** How many connections are open. */
  readonly connections: () => Promise<number>;
}

const ACK = 1;
const GO = 7;
const CONTEXT = 10;

/** Numbers by their width in bits, one after the other, and bytes as they are. */
export function packed(
  ...parts: readonly (readonly [8 | 16 | 32 | 64, bigint | number] | Buffer)[]
) {
  return Buffer.concat(
    parts.map((part) => {
      if (Buffer.isBuffer(part)) return part;
      const [bits, value] = part;
      return Buffer.from(
        BigInt(value)
          .toString(16)
          .padStart(bits / 4, '0'),
        'hex',
      );
    }),
  );
}

export function optionReply(option: number, type: number, data: Buffer = Buffer.alloc(0)): Buffer {
  return packed([64, 0x3e889045565a9n], [32, option], [32, type], [32, data.length], data);
}

/** One of a structured reply. */
export function chunk(cookie: bigint, type: number, data: Buffer, flags = 1): Buffer {
  return packed([32, 0x668e33ef], [16, flags], [16, type], [64, cookie], [32, data.length], data);
}

export const GREETING = packed(Buffer.from('NBDMAGICIHAVEOPT'), [16, 3]);
/** What a server calls `base:allocation` here. */
export const CONTEXT_ID = 7;

function usualReply(option: number, sizeBytes: bigint): Buffer {
  const ack = optionReply(option, ACK);
  if (option === CONTEXT) {
    const context = packed([32, CONTEXT_ID], Buffer.from('base:allocation'));
    return Buffer.concat([optionReply(option, 4, context), ack]);
  }
  if (option !== GO) return ack;
  return Buffer.concat([optionReply(option, 3, packed([16, 0], [64, sizeBytes], [16, 3])), ack]);
}

export async function openScriptedNbd(script: NbdScript = {}): Promise<ScriptedNbd> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-nbd-script-'));
  const socketPath = join(directory, 'socket');
  const requests: NbdRequest[] = [];
  const flags: number[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    serve(socket, script, { requests, flags }).catch(() => socket.destroy());
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    ...{ socketPath, requests, flags },
    connections: async () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      await rm(directory, { recursive: true });
    },
  };
}

interface Heard {
  readonly requests: NbdRequest[];
  readonly flags: number[];
}

async function serve(socket: Socket, script: NbdScript, heard: Heard): Promise<void> {
  const { greeting = GREETING, onOption, sizeBytes = 1024n * 1024n, onRequest } = script;
  const read = reader(socket);
  socket.write(greeting);
  if (script.endsAfterGreeting === true) socket.end();
  heard.flags.push((await read(4)).readUInt32BE(0));
  for (let option = 0; option !== GO;) {
    const head = await read(16);
    option = head.readUInt32BE(8);
    await read(head.readUInt32BE(12));
    socket.write(onOption?.(option, optionReply) ?? usualReply(option, sizeBytes));
  }
  for (;;) {
    const head = await read(28);
    const request = {
      command: head.readUInt16BE(6),
      cookie: head.readBigUInt64BE(8),
      offset: head.readBigUInt64BE(16),
      length: head.readUInt32BE(24),
    };
    heard.requests.push(request);
    onRequest?.(request, (bytes) => void socket.write(bytes));
  }
}

function reader(socket: Socket): (length: number) => Promise<Buffer> {
  const parts = (socket as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let rest = Buffer.alloc(0);
  return async (length) => {
    while (rest.length < length) {
      const next = await parts.next();
      if (next.done === true) throw new Error('the client has gone');
      rest = Buffer.concat([rest, next.value]);
    }
    const bytes = rest.subarray(0, length);
    rest = rest.subarray(length);
    return bytes;
  };
}
