/** A failure as HTTP/1.1 text, for connections that no answer object stands for. */
import { STATUS_CODES } from 'node:http';
import { errorToBody, type HttpFailure } from './http-errors.ts';

/** The connection is to be closed after it. */
export function failureToRawAnswer(failure: HttpFailure, requestId: string): string {
  const { status, error, headers } = failure;
  const body = JSON.stringify(errorToBody(error, requestId));
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n');
}
