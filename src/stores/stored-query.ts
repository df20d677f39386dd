/**
 * A query that is built and compiled once and run often: building one anew costs several times
 * what SQLite takes to answer it.
 */
import { sql, type Compilable, type CompiledQuery, type Kysely, type RawBuilder } from 'kysely';
import type { Schema } from './schema.ts';

class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Stands in a query for a value that each run gives under this name. */
export function slot<Value>(name: string): RawBuilder<Value> {
  return sql<Value>`${new Slot(name)}`;
}

export type SlotValues = Readonly<Record<string, string | number | undefined>>;

export class StoredQuery<Row> {
  readonly #compiled: CompiledQuery<Row>;

  constructor(query: Compilable<Row>) {
    this.#compiled = query.compile();
  }

  async run(db: Kysely<Schema>, values: SlotValues): Promise<readonly Row[]> {
    const parameters = this.#compiled.parameters.map((parameter) =>
      parameter instanceof Slot ? values[parameter.name] : parameter,
    );
    return (await db.executeQuery<Row>({ ...this.#compiled, parameters })).rows;
  }
}
