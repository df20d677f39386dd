/**
 * What is agreed on before disks are read ("fixed newstyle"):
 *
 *   server: greeting ─▶ we: flags ─▶ option ─▶ reply… ─▶ option ─▶ reply… ─▶ GO ─▶ info…, ack
 *
 * Structured replies and the context `base:allocation` are asked for, and done without where they
 * are refused: then all of the disk is read. After the acknowledgement of GO the connection is one
 * of requests and replies, nbd-connection.ts.
 */
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import {
  ALLOCATION_CONTEXT,
  brokenProtocol,
  encodeGo,
  encodeMetaContexts,
  encodeNumber,
  encodeOption,
  FIXED_NEWSTYLE,
  GREETING_MAGIC,
  INFO,
  NO_ZEROES,
  OPTION,
  OPTION_MAGIC,
  OPTION_REFUSED,
  OPTION_REPLY,
  OPTION_REPLY_MAGIC,
  readWhole,
} from './nbd-messages.ts';
import type { NbdStream } from './nbd-stream.ts';

/** What servers take that say nothing of it. */
const USUAL_MOST_BYTES = 32 * MIB;
const SECTOR_BYTES = 512;
const LONGEST_REPLY = 64 * 1024;
const MOST_REPLIES = 64;
const LONGEST_TEXT = 300;

export interface NbdExport {
  readonly sizeBytes: number;
  /** Of one request; a multiple of 512. */
  readonly mostBytes: number;
  readonly isStructured: boolean;
  /** What it calls `base:allocation`; undefined where it does not tell. */
  readonly allocationContext: number | undefined;
}

export async function negotiate(stream: NbdStream, exportName: string): Promise<NbdExport> {
  await greet(stream);
  const structured = await ask(stream, OPTION.structuredReply, Buffer.alloc(0));
  const isStructured = structured.refusal === undefined;
  const allocationContext = isStructured ? await findContext(stream, exportName) : undefined;
  const { sizeBytes, mostBytes } = await go(stream, exportName);
  return { sizeBytes, mostBytes, isStructured, allocationContext };
}

async function greet(stream: NbdStream): Promise<void> {
  const greeting = await stream.read(18);
  if (greeting.readBigUInt64BE(0) !== GREETING_MAGIC) throw brokenProtocol('it has no greeting');
  const flags = greeting.readUInt16BE(16);
  if (greeting.readBigUInt64BE(8) !== OPTION_MAGIC || (flags & FIXED_NEWSTYLE) === 0) {
    throw brokenProtocol('its handshake is not the newer one');
  }
  stream.write(encodeNumber(FIXED_NEWSTYLE | (flags & NO_ZEROES)));
}

interface OptionReply {
  readonly type: number;
  readonly data: Buffer;
}

interface OptionAnswer {
  readonly replies: readonly OptionReply[];
  /** Undefined when it was taken. */
  readonly refusal: OptionReply | undefined;
}

async function ask(stream: NbdStream, option: number, data: Uint8Array): Promise<OptionAnswer> {
  stream.write(encodeOption(option, data));
  const replies: OptionReply[] = [];
  while (replies.length < MOST_REPLIES) {
    const reply = await readReply(stream, option);
    if (reply.type >= OPTION_REFUSED) return { replies, refusal: reply };
    if (reply.type === OPTION_REPLY.ack) return { replies, refusal: undefined };
    replies.push(reply);
  }
  throw brokenProtocol(`it does not come to an end about option ${option}`);
}

async function readReply(stream: NbdStream, option: number): Promise<OptionReply> {
  const head = await stream.read(20);
  if (head.readBigUInt64BE(0) !== OPTION_REPLY_MAGIC || head.readUInt32BE(8) !== option) {
    throw brokenProtocol(`it answers something else than option ${option}`);
  }
  const length = head.readUInt32BE(16);
  if (length > LONGEST_REPLY) throw brokenProtocol(`a reply has ${length} bytes`);
  return { type: head.readUInt32BE(12), data: await stream.read(length) };
}

async function findContext(stream: NbdStream, exportName: string): Promise<number | undefined> {
  const query = encodeMetaContexts(exportName, [ALLOCATION_CONTEXT]);
  const { replies, refusal } = await ask(stream, OPTION.setMetaContext, query);
  if (refusal !== undefined) return undefined;
  for (const { type, data } of replies) {
    if (type !== OPTION_REPLY.metaContext || data.length < 4) continue;
    if (data.toString('utf8', 4) === ALLOCATION_CONTEXT) return data.readUInt32BE(0);
  }
  return undefined;
}

async function go(
  stream: NbdStream,
  exportName: string,
): Promise<Pick<NbdExport, 'sizeBytes' | 'mostBytes'>> {
  const query = encodeGo(exportName, [INFO.blockSize]);
  const { replies, refusal } = await ask(stream, OPTION.go, query);
  if (refusal !== undefined) throw exportRefused(refusal);
  let sizeBytes: number | undefined;
  let mostBytes = USUAL_MOST_BYTES;
  for (const { type, data } of replies) {
    if (type !== OPTION_REPLY.info) continue;
    if (data.length < 2) throw brokenProtocol('it says nothing');
    const info = data.readUInt16BE(0);
    if (info === INFO.export) sizeBytes = readSize(data);
    if (info === INFO.blockSize) mostBytes = readMostBytes(data);
  }
  if (sizeBytes === undefined) throw brokenProtocol('it does not say how long the disk is');
  return { sizeBytes, mostBytes };
}

function readSize(data: Buffer): number {
  if (data.length !== 12) throw brokenProtocol('the length of the disk is no number');
  return readWhole(data, 2);
}

function readMostBytes(data: Buffer): number {
  if (data.length !== 14) throw brokenProtocol('the size of its blocks is no number');
  const [least, most] = [data.readUInt32BE(2), data.readUInt32BE(10)];
  if (SECTOR_BYTES % least === 0 && most >= SECTOR_BYTES) {
    return most - (most % SECTOR_BYTES);
  }
  throw new DroverError(
    'failed_precondition',
    `the NBD server reads blocks of ${least} to ${most} bytes; they must be 512 or a part of it`,
    { reason: 'NBD_BLOCKS_UNSUITED' },
  );
}

function exportRefused({ type, data }: OptionReply): DroverError {
  const own = data
    .toString('utf8')
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, LONGEST_TEXT);
  const why = own === '' ? `refusal ${type - OPTION_REFUSED}` : own;
  return new DroverError('unavailable', `the NBD server does not give the disk: ${why}`, {
    reason: 'NBD_EXPORT_REFUSED',
  });
}
