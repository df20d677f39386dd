/**
 * Cuts what QEMU sends on its monitor socket into messages: one JSON object a line. It does no
 * I/O, keeps at most one unfinished line of 1 MiB, and takes any bytes: what is no QMP is an
 * error, after which the connection is of no more use.
 */
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';

export type QmpMessage =
  | { readonly kind: 'greeting' }
  | { readonly kind: 'return'; readonly id: unknown; readonly value: unknown }
  | {
      readonly kind: 'error';
      readonly id: unknown;
      readonly errorClass: string;
      readonly description: string;
    }
  | {
      readonly kind: 'event';
      readonly name: string;
      readonly data: Readonly<Record<string, unknown>>;
    };

export const MAX_QMP_LINE_BYTES = MIB;
const NEWLINE = 0x0a;

export class QmpReader {
  #parts: Buffer[] = [];
  #length = 0;

  /** The messages that `chunk` completes, in order. */
  push(chunk: Buffer): QmpMessage[] {
    const messages: QmpMessage[] = [];
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      if (end === -1) break;
      this.#keep(chunk.subarray(from, end));
      const line = Buffer.concat(this.#parts).toString('utf8').trim();
      this.#parts = [];
      this.#length = 0;
      if (line !== '') messages.push(parseMessage(line));
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
    return messages;
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#length += part.length;
    if (this.#length > MAX_QMP_LINE_BYTES) {
      this.#parts = [];
      throw protocolError('a line is longer than 1 MiB', '');
    }
    this.#parts.push(part);
  }
}

function parseMessage(line: string): QmpMessage {
  const message = parseJson(line);
  if (!isRecord(message)) throw protocolError('a line is no JSON object', line);
  if ('return' in message) return { kind: 'return', id: message['id'], value: message['return'] };
  const { QMP: greeting, event, error, data, id } = message;
  if (isRecord(greeting)) return { kind: 'greeting' };
  if (typeof event === 'string')
    return { kind: 'event', name: event, data: isRecord(data) ? data : {} };
  if (isRecord(error)) {
    const { class: errorClass, desc } = error;
    return {
      kind: 'error',
      id,
      errorClass: typeof errorClass === 'string' ? errorClass : 'GenericError',
      description: typeof desc === 'string' ? desc : 'no description',
    };
  }
  throw protocolError('a message is of no known kind', line);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw protocolError('a line is no JSON', line);
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function protocolError(what: string, line: string): DroverError {
  return new DroverError('unavailable', 'QEMU sent something that is not its control protocol', {
    reason: 'QMP_PROTOCOL',
    context: { what, line: line.slice(0, 200) },
  });
}
