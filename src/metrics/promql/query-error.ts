/** What is wrong with a query: in how it is written, or in what came of evaluating it. */
import { DroverError } from '#kernel/errors.ts';

const PARSE_REASON = 'QUERY_SYNTAX';
const EXECUTION_REASON = 'QUERY_EXECUTION';
const LIMIT_REASON = 'QUERY_LIMIT';

/** `at` counts UTF-16 units of the query from 0; the message says line and column from 1. */
export function parseError(text: string, at: number, what: string): DroverError {
  const before = text.slice(0, at).split('\n');
  const position = `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
  return new DroverError('invalid_argument', `${position}: parse error: ${what}`, {
    reason: PARSE_REASON,
    metadata: { position: String(at) },
  });
}

/** The query is well formed but cannot be answered with the series there are. */
export function executionError(what: string): DroverError {
  return new DroverError('failed_precondition', what, { reason: EXECUTION_REASON });
}

export function limitError(what: string): DroverError {
  return new DroverError('resource_exhausted', what, { reason: LIMIT_REASON });
}
