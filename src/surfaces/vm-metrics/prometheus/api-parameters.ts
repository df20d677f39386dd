/** Parameters of this API: of the query string and of a form together, checked one by one. */
import type { FastifyRequest } from 'fastify';
import { customerScopeOf } from '#access/principal.ts';
import { invalidArgument } from '#kernel/errors.ts';
import type { LabelMatcher } from '#metrics/metric-reader.ts';
import { parseDurationMs } from '#metrics/promql/literals.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';

const SECONDS = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
const MAX_INSTANT_MS = 8.64e15;
const MAX_SELECTORS = 50;

export class ApiParameters {
  readonly #given: URLSearchParams;

  constructor(request: FastifyRequest) {
    const queryAt = request.url.indexOf('?');
    this.#given = new URLSearchParams(queryAt === -1 ? '' : request.url.slice(queryAt));
    if (typeof request.body !== 'string') return;
    for (const [name, value] of new URLSearchParams(request.body)) this.#given.append(name, value);
  }

  /** An empty one is as good as none. */
  text(name: string): string | undefined {
    const value = this.#given.get(name);
    return value === null || value === '' ? undefined : value;
  }

  query(): string {
    const query = this.text('query');
    if (query !== undefined) return query;
    throw invalidArgument('query', 'there is no query; give an expression, such as up');
  }

  /** Seconds since 1970, or RFC 3339. */
  instant(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const isSeconds = SECONDS.test(text);
    const ms = isSeconds
      ? Math.round(Number(text) * 1000)
      : RFC3339.test(text)
        ? Date.parse(text)
        : NaN;
    if (Math.abs(ms) <= MAX_INSTANT_MS) return ms;
    throw invalidArgument(
      name,
      `cannot parse ${JSON.stringify(text)} to a valid timestamp: give seconds since 1970 or a ` +
        'time such as 2026-01-31T12:00:00Z',
    );
  }

  requiredInstant(name: string): number {
    const ms = this.instant(name);
    if (ms !== undefined) return ms;
    throw invalidArgument(name, 'is missing: give seconds since 1970 or an RFC 3339 time');
  }

  /** Seconds, or a duration such as `1m30s`. */
  durationMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const ms = SECONDS.test(text) ? Math.round(Number(text) * 1000) : parseDurationMs(text);
    if (ms !== undefined && Math.abs(ms) <= MAX_INSTANT_MS) return ms;
    throw invalidArgument(name, `cannot parse ${JSON.stringify(text)} to a valid duration`);
  }

  timeoutMs(): { readonly timeoutMs?: number } {
    const timeoutMs = this.durationMs('timeout');
    if (timeoutMs === undefined) return {};
    if (timeoutMs > 0) return { timeoutMs };
    throw invalidArgument('timeout', 'must be above zero');
  }

  /** How many to show at most; none or 0 does not limit. */
  limit(): number {
    const text = this.text('limit') ?? '0';
    if (/^\d{1,9}$/.test(text)) return Number(text) === 0 ? Infinity : Number(text);
    throw invalidArgument('limit', `must be a whole number, not ${JSON.stringify(text)}`);
  }

  async matcherLists(): Promise<readonly (readonly LabelMatcher[])[]> {
    const texts = this.#given.getAll('match[]');
    if (texts.length > MAX_SELECTORS) {
      throw invalidArgument('match[]', `at most ${MAX_SELECTORS} selectors, not ${texts.length}`);
    }
    // The grammar comes with the first selector: most processes are never asked for one.
    const { parseSeriesSelector } = await import('#metrics/promql/parse-promql.ts');
    return await Promise.all(texts.map((text) => parseSeriesSelector(text)));
  }
}

/** What every selector must match besides: a customer sees that customer's series and no other. */
export function scopeMatchersOf(request: FastifyRequest): readonly LabelMatcher[] {
  const customerId = customerScopeOf(principalOf(request));
  return customerId === undefined
    ? []
    : [{ label: 'customer_id', operator: '=', value: customerId }];
}
