/** An app that calls out, as its member does, and what becomes of that. */
import { systemClock } from '#kernel/clock.ts';
import type { DroverError } from '#kernel/errors.ts';
import type { ResolvedAddress } from '#kernel/guarded-lookup.ts';
import { HttpEgress, type HttpEgressOptions } from '#backends/app-egress/http-egress.ts';
import type {
  Answerer,
  AnswerWriter,
  FlatHeaders,
  RequestHandler,
  RequestHead,
  ResponseHead,
} from '#workers/exchange.ts';
import type { AppBinding } from '#workers/worker-app.ts';
import { until } from './until.ts';

const LOOKS_AT_REST = 50;

export function bindingOf(...allowedHosts: string[]): AppBinding {
  return {
    ...{ name: 'caller', version: '1.0.0', directory: '/nowhere', entrypoint: 'main.js' },
    ...{ env: {}, grants: [], readableDirectories: [], writableDirectories: [] },
    allowedHosts,
  };
}

/** Knows what it is told, and keeps what it was asked. */
export function resolverOf(table: Readonly<Record<string, readonly string[]>>) {
  const asked: string[] = [];
  const resolve = async (name: string): Promise<readonly ResolvedAddress[]> => {
    asked.push(name);
    return (table[name] ?? []).map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }));
  };
  return Object.assign(resolve, { asked });
}

export function openEgress(options: Partial<HttpEgressOptions> = {}): HttpEgress {
  return new HttpEgress({
    clock: systemClock,
    resolve: resolverOf({}),
    allowPrivate: true,
    ...options,
  });
}

/** Until a number that went up has stayed the same for many looks. */
export async function atRest(count: () => number, what: string): Promise<void> {
  let before = 0;
  let looks = 0;
  await until(() => {
    looks = count() === before && before > 0 ? looks + 1 : 0;
    before = count();
    return looks === LOOKS_AT_REST || undefined;
  }, `${what} to come to rest`);
}

export interface Asked {
  readonly method?: string;
  readonly headers?: FlatHeaders;
  readonly body?: Uint8Array;
  readonly hasBody?: boolean;
  readonly isUpgrade?: true;
}

/** One call, with the credit in the hands of the test. */
export class EgressCaller implements AnswerWriter {
  readonly #head = Promise.withResolvers<ResponseHead>();
  readonly #ended = Promise.withResolvers<DroverError | undefined>();
  readonly pieces: Uint8Array[] = [];
  readonly handler: RequestHandler;
  consumed = 0;
  /** How often it was told that all is over. */
  endings = 0;
  /** What `write` answers. */
  isOpen = true;

  constructor(worker: Answerer, url: string, asked: Asked = {}) {
    this.#head.promise.catch(() => undefined);
    const { method = 'GET', headers = [], body, hasBody = false, isUpgrade } = asked;
    const head: RequestHead = {
      ...{ method, url, headers, hasBody },
      ...(isUpgrade === true && { isUpgrade }),
    };
    this.handler = worker(head, body, this);
  }

  /** Resolves with how it began; rejects with why it did not. */
  get answered(): Promise<ResponseHead> {
    return this.#head.promise;
  }

  /** Resolves at the end, with what went wrong if something did. */
  get ended(): Promise<DroverError | undefined> {
    return this.#ended.promise;
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString();
  }

  get byteCount(): number {
    return this.pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  head(head: ResponseHead, body?: Uint8Array): void {
    this.#head.resolve(head);
    if (body === undefined) return;
    this.pieces.push(body);
    this.end();
  }

  write(bytes: Uint8Array): boolean {
    this.pieces.push(bytes);
    return this.isOpen;
  }

  end(): void {
    this.endings += 1;
    this.#ended.resolve(undefined);
  }

  fail(error: DroverError): void {
    this.endings += 1;
    this.#head.reject(error);
    this.#ended.resolve(error);
  }

  consume(byteCount: number): void {
    this.consumed += byteCount;
  }
}
