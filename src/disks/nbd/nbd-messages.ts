/** The numbers of the NBD protocol, and its messages as bytes. All numbers are big-endian. */
import { DroverError } from '#kernel/errors.ts';

export const GREETING_MAGIC = 0x4e_42_44_4d_41_47_49_43n;
export const OPTION_MAGIC = 0x49_48_41_56_45_4f_50_54n;
export const OPTION_REPLY_MAGIC = 0x00_03_e8_89_04_55_65_a9n;
const REQUEST_MAGIC = 0x25_60_95_13;
export const SIMPLE_REPLY_MAGIC = 0x67_44_66_98;
export const STRUCTURED_REPLY_MAGIC = 0x66_8e_33_ef;

/** In the greeting of the server, and in our answer to it. */
export const FIXED_NEWSTYLE = 1;
export const NO_ZEROES = 2;

export const OPTION = { go: 7, structuredReply: 8, setMetaContext: 10 } as const;
export const OPTION_REPLY = { ack: 1, info: 3, metaContext: 4 } as const;
/** Set in the type of every reply that refuses. */
export const OPTION_REFUSED = 0x80_00_00_00;

export const INFO = { export: 0, blockSize: 3 } as const;

export const COMMAND = { read: 0, disconnect: 2, blockStatus: 7 } as const;

export const CHUNK = { none: 0, data: 1, hole: 2, blockStatus: 5 } as const;
/** Set in the type of every chunk that says that something failed. */
export const CHUNK_FAILED = 0x80_00;
/** No more chunks of this reply follow. */
export const CHUNK_IS_LAST = 1;

export const ALLOCATION_CONTEXT = 'base:allocation';
/** Set in the flags of a stretch that reads as zeros. A hole that is not may read as anything. */
export const STATE_ZERO = 2;

const REQUEST_BYTES = 28;

export interface Request {
  readonly command: number;
  readonly cookie: number;
  readonly offset: number;
  readonly length: number;
}

export function encodeRequest({ command, cookie, offset, length }: Request): Buffer {
  const bytes = Buffer.alloc(REQUEST_BYTES);
  bytes.writeUInt32BE(REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(command, 6);
  bytes.writeBigUInt64BE(BigInt(cookie), 8);
  bytes.writeBigUInt64BE(BigInt(offset), 16);
  bytes.writeUInt32BE(length, 24);
  return bytes;
}

export function encodeOption(option: number, data: Uint8Array): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64BE(OPTION_MAGIC, 0);
  head.writeUInt32BE(option, 8);
  head.writeUInt32BE(data.byteLength, 12);
  return Buffer.concat([head, data]);
}

/** Names are written with their length before them. */
function encodeName(name: string): Buffer {
  const text = Buffer.from(name, 'utf8');
  return Buffer.concat([encodeNumber(text.byteLength), text]);
}

export function encodeNumber(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

/** Asks for what else the server knows of the export, and begins to use it. */
export function encodeGo(exportName: string, infos: readonly number[]): Buffer {
  const wanted = Buffer.alloc(2 + 2 * infos.length);
  wanted.writeUInt16BE(infos.length, 0);
  for (const [at, info] of infos.entries()) wanted.writeUInt16BE(info, 2 + 2 * at);
  return Buffer.concat([encodeName(exportName), wanted]);
}

export function encodeMetaContexts(exportName: string, queries: readonly string[]): Buffer {
  const names = queries.map(encodeName);
  return Buffer.concat([encodeName(exportName), encodeNumber(queries.length), ...names]);
}

/** A number of 64 bits, none of which may be too large to be counted with. */
export function readWhole(bytes: Buffer, at: number): number {
  const value = Number(bytes.readBigUInt64BE(at));
  if (!Number.isSafeInteger(value)) throw brokenProtocol('a number is too large');
  return value;
}

/** The other side is no NBD server, or one that is broken. Another connection may do better. */
export function brokenProtocol(what: string): DroverError {
  return new DroverError('unavailable', `the NBD server does not keep to the protocol: ${what}`, {
    reason: 'NBD_PROTOCOL_BROKEN',
  });
}

export function connectionLost(cause?: unknown): DroverError {
  return new DroverError('unavailable', 'the NBD server ended the connection', {
    reason: 'NBD_CONNECTION_LOST',
    cause,
  });
}

const FAILURES: Readonly<Record<number, string>> = {
  1: 'it is not permitted',
  5: 'it could not be read',
  12: 'the server is short of memory',
  22: 'the server takes it for invalid',
  75: 'it is too much at once',
  95: 'the server cannot do that',
  108: 'the server is shutting down',
};
const LONGEST_TEXT = 300;

/** `text` is the server's own, if it said more. */
export function requestFailed(what: string, code: number, text = ''): DroverError {
  const own = text
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, LONGEST_TEXT);
  const why = own === '' ? (FAILURES[code] ?? `error ${code}`) : own;
  return new DroverError('unavailable', `${what}: ${why}`, { reason: 'NBD_READ_FAILED' });
}
