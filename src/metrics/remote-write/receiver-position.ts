/**
 * How far a receiver has read the queue, on disk: one short line, written over in place, so that
 * neither a killed process nor a full disk can leave half of it. An older line does no harm: the
 * receiver is sent again what it has.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { systemErrorCode } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import type { QueuePosition } from './queue-reader.ts';

const FORM = /^position (\d{1,10}) (\d{1,12}) ([0-9a-f]{8}) *\n$/;
const LINE_BYTES = 48;

export class PositionFile implements Disposable {
  readonly #file: number;
  readonly #log: Log;
  #hasFailed = false;

  constructor(path: string, log: Log) {
    this.#file = openSync(path, openFlags(path), 0o600);
    this.#log = log;
  }

  save(position: QueuePosition): void {
    const line = Buffer.from(positionToLine(position));
    try {
      writeSync(this.#file, line, 0, line.length, 0);
      this.#hasFailed = false;
    } catch (thrown) {
      if (!this.#hasFailed) {
        const consequence = 'a restart sends some samples again';
        this.#log.warn({ error: thrown }, `a receiver's position is not kept: ${consequence}`);
      }
      this.#hasFailed = true;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** `none`: a new receiver. `unreadable`: one that has lost its place. */
export function readPosition(path: string): QueuePosition | 'none' | 'unreadable' {
  try {
    const text = readFileSync(path, 'latin1');
    if (text === '') return 'none';
    const [, segment = '', offset = '', checksum] = FORM.exec(text) ?? [];
    const position = { segment: Number(segment), offset: Number(offset) };
    return checksum === checksumOf(position) ? position : 'unreadable';
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return 'none';
    return 'unreadable';
  }
}

function openFlags(path: string): string {
  return readPosition(path) === 'none' ? 'w' : 'r+';
}

function positionToLine(position: QueuePosition): string {
  const { segment, offset } = position;
  const line = `position ${segment} ${offset} ${checksumOf(position)}`;
  return `${line.padEnd(LINE_BYTES - 1)}\n`;
}

function checksumOf({ segment, offset }: QueuePosition): string {
  return crc32(`${segment} ${offset}`).toString(16).padStart(8, '0');
}
