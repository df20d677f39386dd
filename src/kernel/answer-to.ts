/** Sends a request of node:http and waits for the head of its answer. */
import type { ClientRequest, IncomingMessage } from 'node:http';

/** Rejects too when the connection closes and nobody says why. */
export async function answerTo(
  request: ClientRequest,
  body: string | Buffer = '',
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.on('response', resolve);
  request.on('error', reject);
  request.on('close', () => reject(new Error('the connection closed without an answer')));
  request.end(body);
  return await promise;
}
