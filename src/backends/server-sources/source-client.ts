/**
 * Asks one server over HTTP, with a bound on what it may answer. Errors are sentences for the
 * status of the server, and hold no secret: secrets are in headers, and headers are in no error.
 */
import { Agent as PlainAgent, request as requestHttp } from 'node:http';
import type { ClientRequest } from 'node:http';
import { request as requestHttps } from 'node:https';
import { createGunzip } from 'node:zlib';
import type { Readable } from 'node:stream';
import { answerTo } from '#kernel/answer-to.ts';
import { connectionFailureToText } from '#kernel/connection-failure.ts';
import { DroverError } from '#kernel/errors.ts';
import type { HttpTrust } from '#kernel/http-trust.ts';
import { TrustedAgent, UntrustedCertificate } from '#kernel/trusted-agent.ts';
import { MIB } from '#kernel/units.ts';

const MOST_SOCKETS = 4;
/** A node_exporter of a large host tells some megabytes. */
const MOST_BYTES = 32 * MIB;

export interface SourceClientOptions {
  /** Without a trailing slash. */
  readonly url: string;
  readonly trust: HttpTrust;
  readonly headers: Readonly<Record<string, string>>;
}

export interface SourceQuestion {
  /** After the URL; begins with a slash. */
  readonly path: string;
  /** Sent as a form by POST; absent: GET. */
  readonly form?: URLSearchParams | undefined;
}

export class SourceClient implements Disposable {
  readonly #options: SourceClientOptions;
  readonly #agent: TrustedAgent;
  readonly #plain = new PlainAgent({ keepAlive: true, maxSockets: MOST_SOCKETS });

  constructor(options: SourceClientOptions) {
    this.#options = options;
    this.#agent = new TrustedAgent(options.trust, { maxSockets: MOST_SOCKETS, isKept: true });
  }

  /** Of an answer with a status of 200. */
  async text(question: SourceQuestion, signal: AbortSignal): Promise<string> {
    const { status, body } = await this.ask(question, signal);
    if (status !== 200) throw refusalToError(status);
    return body;
  }

  async json(question: SourceQuestion, signal: AbortSignal): Promise<unknown> {
    const body = await this.text(question, signal);
    try {
      return JSON.parse(body) as unknown;
    } catch {
      throw new DroverError('unavailable', 'it answered something that is not JSON');
    }
  }

  async ask(
    question: SourceQuestion,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly body: string }> {
    try {
      const answer = await answerTo(this.#open(question, signal), question.form?.toString());
      const isZipped = answer.headers['content-encoding'] === 'gzip';
      const body = await readBounded(isZipped ? unzip(answer) : answer);
      return { status: answer.statusCode ?? 0, body };
    } catch (thrown) {
      signal.throwIfAborted();
      throw thrown instanceof DroverError ? thrown : toSourceError(thrown);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
    this.#plain.destroy();
  }

  #open({ path, form }: SourceQuestion, signal: AbortSignal): ClientRequest {
    const url = new URL(`${this.#options.url}${path}`);
    const headers = {
      'accept-encoding': 'gzip',
      ...this.#options.headers,
      ...(form && {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(form.toString()),
      }),
    };
    const options = { method: form === undefined ? 'GET' : 'POST', headers, signal };
    if (url.protocol === 'http:') return requestHttp(url, { ...options, agent: this.#plain });
    return requestHttps(url, { ...options, agent: this.#agent });
  }
}

function unzip(answer: Readable): Readable {
  const unzipped = createGunzip();
  answer.once('error', (error) => unzipped.destroy(error));
  // Who reads may have had enough before the other side is through.
  unzipped.once('close', () => answer.destroy());
  return answer.pipe(unzipped);
}

async function readBounded(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > MOST_BYTES) {
      throw new DroverError('unavailable', `it answered more than ${MOST_BYTES / MIB} MiB`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes).toString('utf8');
}

/** What a status other than 200 means, wherever it does not mean more. */
export function refusalToError(status: number): DroverError {
  if (status === 401 || status === 403) {
    const message = `it refused the credentials (HTTP ${status}); check the secret of this source`;
    return new DroverError('unavailable', message, { reason: 'SOURCE_REFUSED_CREDENTIALS' });
  }
  // Nobody goes there: the secret was given for this address.
  const isMoved = status >= 300 && status < 400;
  const where = isMoved ? ', which leads elsewhere; give the URL that it leads to' : '';
  return new DroverError('unavailable', `it answered HTTP ${status}${where}`, {
    reason: 'SOURCE_ANSWERED_WITH_ERROR',
  });
}

function toSourceError(thrown: unknown): DroverError {
  if (thrown instanceof UntrustedCertificate) {
    return new DroverError(
      'unavailable',
      `its certificate is not trusted (${thrown.message}); to trust it, pin the thumbprint ` +
        thrown.thumbprint,
      { reason: 'CERTIFICATE_NOT_TRUSTED', cause: thrown },
    );
  }
  const message = connectionFailureToText(thrown, 'it');
  return new DroverError('unavailable', message, { cause: thrown });
}
