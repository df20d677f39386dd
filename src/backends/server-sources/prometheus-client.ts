/** Queries of a Prometheus, or of what speaks as one does. Warnings of its own are no errors. */
import { DroverError } from '#kernel/errors.ts';
import type { HttpTrust } from '#kernel/http-trust.ts';
import type { Sample } from '#fleet/samples/sample-set.ts';
import { listOf, numberOf, objectOf, textOf } from './answer-values.ts';
import { COUNTER_LABEL, type PrometheusQuery } from './prometheus-queries.ts';
import { secretToHeaders } from './secret-headers.ts';
import { refusalToError, SourceClient } from './source-client.ts';

const PATH = '/api/v1/query';
const LONGEST_REASON = 300;

export interface PrometheusClientOptions {
  readonly url: string;
  readonly trust: HttpTrust;
  readonly secret: string | undefined;
}

export class PrometheusClient implements Disposable {
  readonly #client: SourceClient;

  constructor({ url, trust, secret }: PrometheusClientOptions) {
    this.#client = new SourceClient({ url, trust, headers: secretToHeaders(secret) });
  }

  async query({ text, name }: PrometheusQuery, signal: AbortSignal): Promise<readonly Sample[]> {
    const form = new URLSearchParams({ query: text });
    const { status, body } = await this.#client.ask({ path: PATH, form }, signal);
    const answer = objectOf(parseJson(body));
    if (status !== 200) throw refusal(status, answer);
    const data = objectOf(answer['data']);
    if (data['resultType'] !== 'vector') {
      throw new DroverError('unavailable', 'it answered something that no Prometheus answers');
    }
    return listOf(data['result']).flatMap((each) => toSample(each, name));
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

function toSample(raw: unknown, otherwise: string): readonly Sample[] {
  const { metric, value } = objectOf(raw);
  const labels: Record<string, string> = {};
  for (const [label, text] of Object.entries(objectOf(metric))) {
    if (typeof text === 'string') labels[label] = text;
  }
  const name = labels['__name__'] ?? labels[COUNTER_LABEL] ?? otherwise;
  const number = numberOf(listOf(value)[1]);
  return number === undefined ? [] : [{ name, labels, value: number }];
}

function refusal(status: number, answer: Readonly<Record<string, unknown>>): DroverError {
  const said = textOf(answer['error'])?.slice(0, LONGEST_REASON);
  const why = said === undefined ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
  const options = { reason: 'SOURCE_ANSWERED_WITH_ERROR' };
  switch (status) {
    case 400:
      return new DroverError('unavailable', `it does not understand a query (${why})`, options);
    case 404:
    case 405: {
      const message = `it takes no queries at ${PATH} (HTTP ${status}); check the URL`;
      return new DroverError('unavailable', message, options);
    }
    case 422:
      return new DroverError('unavailable', `it could not work out a query (${why})`, options);
    case 503:
      return new DroverError('unavailable', `it gave a query up, or is busy (${why})`, options);
    default:
      return refusalToError(status);
  }
}
