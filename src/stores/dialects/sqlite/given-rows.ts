import { CompiledQuery, sql, type RawBuilder, type Transaction } from 'kysely';
import type { GivenRows, NewRows } from '#stores/given-rows.ts';
import type { Schema } from '#stores/schema.ts';

/** One JSON text for all, so that the statement is the same however many rows there are. */
export function givenRows({ alias, shape, rows }: GivenRows): RawBuilder<unknown> {
  const selected = Object.keys(shape).map(
    (name, at) => sql`value ->> ${sql.lit(at)} as ${sql.ref(name)}`,
  );
  // The limit keeps each value from being taken out of the text anew wherever it is used.
  return sql`(select ${sql.join(selected)} from json_each(${JSON.stringify(rows)}) limit -1)
    as ${sql.ref(alias)}`;
}

const ROWS_AT_ONCE = 64;

/** Value by value: taking them out of a JSON text takes SQLite longer than to insert them. */
export async function insertRows(
  trx: Transaction<Schema>,
  table: string,
  { shape, rows }: NewRows,
): Promise<void> {
  const names = Object.keys(shape);
  const row = `(${names.map(() => '?').join()})`;
  const start = `insert into "${table}" ("${names.join('","')}") values `;
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    const some = rows.slice(at, at + ROWS_AT_ONCE);
    const text = start + some.map(() => row).join();
    const values: unknown[] = [];
    for (const each of some) values.push(...each);
    await trx.executeQuery(CompiledQuery.raw(text, values));
  }
}
