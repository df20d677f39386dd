import { sql, type RawBuilder, type Transaction } from 'kysely';
import type { ColumnKind, GivenRow, GivenRows, NewRows } from '#stores/given-rows.ts';
import type { Schema } from '#stores/schema.ts';

const TYPES = {
  text: sql`text`,
  number: sql`bigint`,
  json: sql`json`,
} satisfies Record<ColumnKind, RawBuilder<unknown>>;

/** No JSON has a control character that is not escaped, so this one can stand between two. */
const SEPARATOR = '\u001e';

const TO_ARRAY = {
  text: (values) => sql`${toArrayText(values)}::text[]`,
  number: (values) => sql`${toArrayText(values)}::bigint[]`,
  // In an array's own syntax each quote would be escaped here and found again there.
  json: (values) =>
    sql`string_to_array(${values.map((value) => value ?? '').join(SEPARATOR)}, ${SEPARATOR}, '')`,
} satisfies Record<ColumnKind, (values: GivenRow) => RawBuilder<unknown>>;

/** An array for each column: no other way costs PostgreSQL, or the driver, less. */
export function givenRows({ alias, shape, rows }: GivenRows): RawBuilder<unknown> {
  const arrays: RawBuilder<unknown>[] = [];
  const names: RawBuilder<unknown>[] = [];
  const selected = Object.entries(shape).map(([name, kind], at) => {
    const values = rows.map((row) => row[at] ?? null);
    const [first] = values;
    const column = sql.ref(name);
    // What is the same in all rows is said once. The first column says how many rows there are.
    const isSame = at > 0 && values.every((value) => value === first);
    if (isSame) return sql`${first ?? null}::${TYPES[kind]} as ${column}`;
    arrays.push(TO_ARRAY[kind](values));
    names.push(column);
    return sql`${column}::${TYPES[kind]} as ${column}`;
  });
  return sql`(select ${sql.join(selected)} from unnest(${sql.join(arrays)})
    as given(${sql.join(names)})) as ${sql.ref(alias)}`;
}

/** As the driver would write it, in a third of the time. */
function toArrayText(values: GivenRow): string {
  const parts = values.map((value) =>
    typeof value === 'string' ? quote(value) : (value ?? 'null'),
  );
  return `{${parts.join()}}`;
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
