/**
 * Many rows at once. A statement that lists them value by value has thousands of parameters, and
 * costs more to build and to parse than to carry out.
 */
import { sql, type RawBuilder, type SqlBool, type Transaction } from 'kysely';
import type { Dialect } from './dialects/dialect.ts';
import type { Schema } from './schema.ts';

/** JSON is given as its text. */
export type ColumnKind = 'text' | 'number' | 'json';
export type GivenRow = readonly (string | number | null)[];

export interface GivenRows {
  readonly alias: string;
  readonly shape: Readonly<Record<string, ColumnKind>>;
  /** Each with a value for each column, in the order of the shape. */
  readonly rows: readonly GivenRow[];
}

export type NewRows = Omit<GivenRows, 'alias'>;

export async function insertGiven(
  trx: Transaction<Schema>,
  dialect: Dialect,
  table: keyof Schema,
  given: NewRows,
): Promise<void> {
  if (given.rows.length > 0) await dialect.insertRows(trx, table, given);
}

/** True of rows whose column is among the values; one statement however many there are. */
export function isAmong(
  dialect: Dialect,
  column: string,
  values: readonly string[],
): RawBuilder<SqlBool> {
  const rows = values.map((value) => [value]);
  const source = dialect.givenRows({ alias: 'among', shape: { value: 'text' }, rows });
  return sql<SqlBool>`${sql.ref(column)} in (select among.value from ${source})`;
}
