import { sql, type RawBuilder, type Transaction } from 'kysely';
import type { ColumnKind, GivenRow, GivenRows, NewRows } from '#stores/given-rows.ts';
import type { Schema } from '#stores/schema.ts';

const ARRAYS = {
  text: sql`text[]`,
  number: sql`bigint[]`,
  // As text: an array of JSON would be quoted once more.
  json: sql`text[]`,
} satisfies Record<ColumnKind, RawBuilder<unknown>>;

/** An array for each column: no other way costs PostgreSQL, or the driver, less. */
export function givenRows({ alias, shape, rows }: GivenRows): RawBuilder<unknown> {
  const columns = Object.entries(shape);
  const arrays = columns.map(([, kind], at) => sql`${toArrayText(rows, at)}::${ARRAYS[kind]}`);
  const names = columns.map(([name]) => sql.ref(name));
  const selected = columns.map(([name, kind]) =>
    kind === 'json' ? sql`${sql.ref(name)}::json as ${sql.ref(name)}` : sql.ref(name),
  );
  return sql`(select ${sql.join(selected)} from unnest(${sql.join(arrays)})
    as given(${sql.join(names)})) as ${sql.ref(alias)}`;
}

/** As the driver would write it, in a third of the time. */
function toArrayText(rows: readonly GivenRow[], at: number): string {
  const values = rows.map((row) => {
    const value = row[at];
    return typeof value === 'string' ? quote(value) : String(value ?? null);
  });
  return `{${values.join()}}`;
}

function quote(text: string): string {
  const escaped = text.includes('\\') ? text.replaceAll('\\', '\\\\') : text;
  return escaped.includes('"') ? `"${escaped.replaceAll('"', '\\"')}"` : `"${escaped}"`;
}

export async function insertRows(
  trx: Transaction<Schema>,
  table: string,
  { shape, rows }: NewRows,
): Promise<void> {
  const names = sql.join(Object.keys(shape).map((name) => sql.ref(name)));
  const source = givenRows({ alias: 'given_rows', shape, rows });
  await sql`insert into ${sql.table(table)} (${names}) select ${names} from ${source}`.execute(trx);
}
