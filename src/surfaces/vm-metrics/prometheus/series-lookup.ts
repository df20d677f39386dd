/** The series that a request is about, for the routes that list them or their labels. */
import type { FastifyRequest } from 'fastify';
import { invalidArgument } from '#kernel/errors.ts';
import type { Labels } from '#metrics/labels.ts';
import { ApiParameters, scopeMatchersOf } from './api-parameters.ts';
import type { PrometheusParts } from './prometheus-parts.ts';

/** As many as a store holds by default; more are not looked through. */
const MOST_SERIES = 20_000;

export interface FoundSeries {
  readonly labels: readonly Labels[];
  readonly isCut: boolean;
  /** Of what is shown in the end. */
  readonly limit: number;
}

export async function findSeries(
  { reader, clock }: PrometheusParts,
  request: FastifyRequest,
  { needsSelector }: { readonly needsSelector: boolean },
): Promise<FoundSeries> {
  const parameters = new ApiParameters(request);
  const given = await parameters.matcherLists();
  if (needsSelector && given.length === 0) throw invalidArgument('match[]', 'no selector is given');
  const scope = scopeMatchersOf(request);
  const lists = given.length === 0 ? [[]] : given;
  const fromMs = parameters.instant('start') ?? 0;
  const toMs = parameters.instant('end') ?? clock.nowMs();
  if (toMs < fromMs) throw invalidArgument('end', 'must not be before start');
  const limit = parameters.limit();
  const matcherLists = lists.map((matchers) => [...matchers, ...scope]);
  const found = await reader.series({ matcherLists, fromMs, toMs, limit: MOST_SERIES + 1 });
  return { labels: found.slice(0, MOST_SERIES), isCut: found.length > MOST_SERIES, limit };
}

/** An answer that lists things, with a warning where it is not all of them. */
export function listAnswer<T>(items: readonly T[], { isCut, limit }: FoundSeries): object {
  const data = items.slice(0, limit);
  const warnings = isCut || data.length < items.length ? ['results truncated due to limit'] : [];
  return { status: 'success', data, ...(warnings.length > 0 && { warnings }) };
}
