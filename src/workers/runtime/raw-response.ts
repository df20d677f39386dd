/** An ordinary answer to a request for an upgrade: HTTP/1.1 as it is on a socket, and its end. */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AnswerWriter, ResponseHead } from '#workers/exchange.ts';
import { ResponseWriter } from './response-writer.ts';

/** What says how long a body is, or what becomes of the connection: the end of both is one here. */
const REPLACED = ['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade'];

/** Throws, with nothing written, when the response is none. */
export async function writeRawResponse(socket: Duplex, response: unknown): Promise<void> {
  const writer = new ResponseWriter(rawAnswer(socket));
  socket.on('drain', () => writer.resume());
  socket.on('close', () => writer.stop());
  socket.on('error', () => undefined);
  await writer.send(response, false);
}

function rawAnswer(socket: Duplex): AnswerWriter {
  const end = () => void socket.end(() => socket.destroy());
  return {
    head: (head, body) => {
      socket.uncork();
      socket.write(headText(head), 'latin1');
      if (body === undefined) return;
      socket.write(body);
      end();
    },
    write: (bytes) => socket.write(bytes),
    end,
    fail: () => void socket.destroy(),
    consume: () => undefined,
  };
}

function headText({ status, headers }: ResponseHead): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? '';
    if (!REPLACED.includes(name.toLowerCase())) text += `${name}: ${headers[at + 1]}\r\n`;
  }
  return `${text}connection: close\r\n\r\n`;
}
