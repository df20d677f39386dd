/** PromQL that is loaded with the first query: most processes are never asked one. */
import type { Promql, PromqlOptions } from '#metrics/promql/promql.ts';

export function createLazyPromql(options: PromqlOptions): Promql {
  let engine: Promise<Promql> | undefined;
  const load = () => {
    engine ??= import('#metrics/promql/promql.ts').then(({ createPromql }) =>
      createPromql(options),
    );
    return engine;
  };
  return {
    instant: async (query, request, signal) => (await load()).instant(query, request, signal),
    range: async (query, request, signal) => (await load()).range(query, request, signal),
  };
}
