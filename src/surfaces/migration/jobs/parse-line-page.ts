/** Which lines of a log are asked for: those after a number, so many at most. */
import { Problems } from '#kernel/field-reader.ts';
import { count } from '#surfaces/migration/field-kinds.ts';
import { readFields } from '#surfaces/migration/read-fields.ts';

const USUAL_LINES = 200;
const MOST_LINES = 1000;

export interface LinePage {
  readonly after: number;
  readonly limit: number;
}

export function parseLinePage(query: unknown): LinePage {
  const problems = new Problems();
  const fields = readFields(query, ['after', 'limit'], problems);
  const page = {
    after: fields.read('after', count(0, Number.MAX_SAFE_INTEGER), 0),
    limit: fields.read('limit', count(1, MOST_LINES), USUAL_LINES),
  };
  problems.throwAny('the lines cannot be answered');
  return page;
}
