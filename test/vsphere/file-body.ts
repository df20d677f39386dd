/** Sends a part of a file as the body of an answer, with whatever trouble it is to meet. */
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';

import type { Clock } from '#kernel/clock.ts';
import type { ByteTrouble } from './byte-trouble.ts';

export interface FileBody {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  /** Absent: the body is chunked. */
  readonly contentLength?: number | undefined;
  readonly trouble: ByteTrouble | undefined;
  readonly onSent: (bytes: number) => void;
}

const PIECE = 256 * 1024;

export async function sendFileBody(
  response: ServerResponse,
  body: FileBody,
  clock: Clock,
  signal?: AbortSignal,
): Promise<void> {
  const { trouble = {}, offset } = body;
  const length = Math.min(body.length, trouble.endAfterBytes ?? Infinity);
  const declared = trouble.contentLength ?? (body.contentLength === undefined ? undefined : length);
  if (declared !== undefined) {
    response.setHeader('content-length', declared);
    if (declared !== length) response.setHeader('connection', 'close');
  }
  const closed = new AbortController();
  const end = Promise.withResolvers<void>();
  response.once('close', () => {
    closed.abort();
    end.resolve();
  });
  signal?.addEventListener('abort', () => response.destroy(), { once: true });
  const limit = Math.min(
    length,
    trouble.cutAfterBytes ?? Infinity,
    trouble.stallAfterBytes ?? Infinity,
  );
  await using file = await open(body.path);
  for (let sent = 0; sent < limit && !response.destroyed;) {
    const most = Math.min(PIECE, Math.ceil((trouble.bytesPerSecond ?? Infinity) / 10));
    const piece = Buffer.allocUnsafe(Math.min(most, limit - sent));
    const { bytesRead } = await file.read(piece, 0, piece.length, offset + sent);
    if (bytesRead === 0) break;
    flipBit(piece, (trouble.flipBitAt ?? -1) - offset - sent);
    body.onSent(bytesRead);
    if (!response.write(piece.subarray(0, bytesRead))) {
      await Promise.race([once(response, 'drain'), end.promise]);
    }
    sent += bytesRead;
    if (trouble.bytesPerSecond !== undefined && !response.destroyed) {
      const ms = (bytesRead / trouble.bytesPerSecond) * 1000;
      await clock.sleep(ms, closed.signal).catch(() => undefined);
    }
  }
  if (response.destroyed) return;
  if (trouble.stallAfterBytes !== undefined && limit < length) return;
  if (limit < length) await cut(response, end.promise);
  else response.end();
}

function flipBit(piece: Buffer, at: number): void {
  const byte = piece[at];
  if (byte !== undefined) piece[at] = byte ^ 0x10;
}

/** What was written before goes out first. */
async function cut(response: ServerResponse, end: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (!response.headersSent) response.flushHeaders();
  response.write('', () => resolve());
  await Promise.race([promise, end]);
  response.destroy();
}
