/** Lets threshold rules ask in PromQL. */
import { invalidArgument } from '#kernel/errors.ts';
import type { Promql } from '#metrics/promql/promql.ts';
import type { InstantQuery } from '#metrics/thresholds/expression-rules.ts';

export function promqlToInstantQuery(promql: Promql): InstantQuery {
  return {
    async evaluate(expression, atMs, customerId, signal) {
      const extraMatchers =
        customerId === undefined
          ? []
          : [{ label: 'customer_id', operator: '=', value: customerId } as const];
      const result = await promql.instant(expression, { atMs, extraMatchers }, signal);
      if (result.kind === 'vector') return result.samples;
      if (result.kind === 'scalar') return [{ labels: {}, value: result.value }];
      throw notComparable(result.kind);
    },
    async check(expression) {
      const { parsePromql } = await import('#metrics/promql/parse-promql.ts');
      const { type } = await parsePromql(expression);
      if (type !== 'vector' && type !== 'scalar') throw notComparable(type);
    },
  };
}

function notComparable(type: string): Error {
  return invalidArgument('expr', `must come to numbers at one instant, not to a ${type}`);
}
