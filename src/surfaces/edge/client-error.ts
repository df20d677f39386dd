/**
 * Answers what never became a request: bytes that are not HTTP, headers that are too long or too
 * slow, a body that does not come. The connection is closed in every case.
 */
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { randomHex } from '#kernel/random.ts';
import { errorToBody } from './http-errors.ts';
import type { Logger } from './logger.ts';

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

/** Answers under way on HTTP/1.1, so that an error text is never written into the middle of one. */
const answersUnderWay = new WeakMap<Duplex, ServerResponse>();

export function noteAnswerUnderWay(response: ServerResponse): void {
  if (response.socket !== null) answersUnderWay.set(response.socket, response);
}

export function answerClientError(thrown: Error, socket: Duplex, log: Logger): void {
  const code = systemErrorCode(thrown);
  if (code === 'ECONNRESET' || socket.destroyed) return;
  const error = BY_CODE[code ?? ''] ?? MALFORMED;
  const requestId = randomHex(8);
  log.info({ request_id: requestId, status: error.status, reason: error.reason }, 'bad request');
  const isMidAnswer = answersUnderWay.get(socket)?.headersSent === true;
  if (!socket.writable || isMidAnswer) {
    socket.destroy();
    return;
  }
  socket.end(clientErrorText(error, requestId), () => socket.destroy());
}

function clientErrorText({ status, reason, message }: ClientError, requestId: string): string {
  const refusal = new DroverError('invalid_argument', message, { reason });
  const body = JSON.stringify(errorToBody(refusal, requestId));
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    '',
    body,
  ].join('\r\n');
}
