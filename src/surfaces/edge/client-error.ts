/**
 * Answers what never became a request: bytes that are not HTTP, headers that are too long or too
 * slow, a body that does not come. The connection is closed in every case.
 */
import type { Duplex } from 'node:stream';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { randomHex } from '#kernel/random.ts';
import { answerUnderWay } from './answer-under-way.ts';
import type { Logger } from './logger.ts';
import { failureToRawAnswer } from './raw-answer.ts';

interface ClientError {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
}

const MALFORMED: ClientError = {
  status: 400,
  reason: 'MALFORMED_REQUEST',
  message: 'what was sent is not a valid HTTP request',
};

const BY_CODE: Readonly<Record<string, ClientError>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    reason: 'REQUEST_TIMEOUT',
    message: 'the request was not received in time; send it faster or in smaller parts',
  },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    reason: 'HEADERS_TOO_LARGE',
    message: 'the request headers are larger than this server accepts',
  },
};

export function answerClientError(thrown: Error, socket: Duplex, log: Logger): void {
  const code = systemErrorCode(thrown);
  if (code === 'ECONNRESET' || socket.destroyed) return;
  const error = BY_CODE[code ?? ''] ?? MALFORMED;
  const requestId = randomHex(8);
  log.info({ request_id: requestId, status: error.status, reason: error.reason }, 'bad request');
  // An error text must never be written into the middle of an answer.
  const isMidAnswer = answerUnderWay(socket)?.headersSent === true;
  if (!socket.writable || isMidAnswer) {
    socket.destroy();
    return;
  }
  const { status, reason, message } = error;
  const refusal = new DroverError('invalid_argument', message, { reason });
  const text = failureToRawAnswer({ status, error: refusal, headers: {} }, requestId);
  socket.end(text, () => socket.destroy());
}
