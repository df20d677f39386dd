/** Remote write requests over HTTP and HTTPS, on connections that are kept open. */
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import type { Receiver, Secret } from '#metrics/remote-write/receiver.ts';
import type { ReceiverAnswer } from '#metrics/remote-write/send-outcome.ts';

export interface HttpRemoteWriteOptions {
  /** What receivers see as the client: `Drover/1.2.3`. */
  readonly userAgent: string;
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string;
}

/** More of an answer than this is not read: it only explains a refusal. */
const MOST_TEXT_BYTES = 4096;
/** A longer answer costs the connection instead of the time to read it. */
const MOST_ANSWER_BYTES = 64 * 1024;
const MOST_SECRET_BYTES = 64 * 1024;
const CONNECTIONS = { keepAlive: true, maxSockets: 2, maxFreeSockets: 1 } as const;

export class HttpRemoteWrite implements Disposable {
  readonly #userAgent: string;
  readonly #http = new HttpAgent(CONNECTIONS);
  readonly #https: HttpsAgent;

  constructor({ userAgent, ca }: HttpRemoteWriteOptions) {
    this.#userAgent = userAgent;
    this.#https = new HttpsAgent({ ...CONNECTIONS, ...(ca !== undefined && { ca }) });
  }

  /** Redirects are answers like any other; nothing follows them. */
  async send(receiver: Receiver, body: Uint8Array, signal: AbortSignal): Promise<ReceiverAnswer> {
    const authorization = await authorizationOf(receiver);
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const isSecure = receiver.url.startsWith('https:');
    const options = {
      method: 'POST',
      signal,
      headers: {
        ...receiver.headers,
        ...(authorization !== undefined && { Authorization: authorization }),
        'Content-Encoding': 'snappy',
        'Content-Type': 'application/x-protobuf',
        'X-Prometheus-Remote-Write-Version': '0.1.0',
        'User-Agent': this.#userAgent,
        'Content-Length': body.length,
      },
    };
    const request = isSecure
      ? httpsRequest(receiver.url, { ...options, agent: this.#https })
      : httpRequest(receiver.url, { ...options, agent: this.#http });
    request.once('response', resolve);
    request.once('error', reject);
    request.end(body);
    try {
      const response = await promise;
      // Whatever happens to the connection from here on shows while the answer is read.
      request.on('error', () => undefined);
      return {
        status: response.statusCode ?? 0,
        retryAfter: response.headers['retry-after'],
        text: await readText(response),
      };
    } catch (thrown) {
      signal.throwIfAborted();
      const reason = systemErrorCode(thrown) ?? (thrown instanceof Error ? thrown.message : '');
      throw new DroverError('unavailable', `no answer: ${reason}`, { cause: thrown });
    }
  }

  [Symbol.dispose](): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (bytes < MOST_TEXT_BYTES) kept.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_ANSWER_BYTES) {
      response.destroy();
      break;
    }
  }
  return Buffer.concat(kept).toString('utf8', 0, MOST_TEXT_BYTES);
}

async function authorizationOf({ auth }: Receiver): Promise<string | undefined> {
  switch (auth.kind) {
    case 'none':
      return undefined;
    case 'bearer':
      return `Bearer ${await readSecret(auth.token)}`;
    case 'basic': {
      const pair = `${auth.username}:${await readSecret(auth.password)}`;
      return `Basic ${Buffer.from(pair).toString('base64')}`;
    }
  }
}

/** Without the line break that editors put at the end of a file. */
async function readSecret(secret: Secret): Promise<string> {
  if (secret.kind === 'text') return secret.text;
  try {
    const text = (await readFile(secret.path, 'utf8')).replace(/\r?\n$/, '');
    if (text !== '' && text.length < MOST_SECRET_BYTES && !/\p{Cc}/u.test(text)) return text;
  } catch (thrown) {
    const code = systemErrorCode(thrown) ?? 'it cannot be read';
    const message = `the file with the receiver's secret: ${code}`;
    throw new DroverError('failed_precondition', message, {
      context: { path: secret.path },
      cause: thrown,
    });
  }
  throw new DroverError(
    'failed_precondition',
    "the file with the receiver's secret must hold one line",
    { context: { path: secret.path } },
  );
}
