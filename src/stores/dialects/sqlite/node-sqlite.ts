/**
 * Fits node:sqlite into Kysely's own SQLite dialect. Two things are ours: statements are kept
 * prepared, and transactions begin IMMEDIATE. One that began as a reader and then writes can be
 * refused half-way without waiting; one that is to write from the start waits its turn.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import {
  CompiledQuery,
  SqliteDialect,
  SqliteDriver,
  type DatabaseConnection,
  type SqliteDatabase,
  type SqliteStatement,
} from 'kysely';

const MOST_STATEMENTS = 256;

export class NodeSqliteDialect extends SqliteDialect {
  readonly #database: NodeSqliteDatabase;

  constructor(database: DatabaseSync) {
    const adapted = new NodeSqliteDatabase(database);
    super({ database: adapted });
    this.#database = adapted;
  }

  override createDriver(): SqliteDriver {
    return new NodeSqliteDriver(this.#database);
  }
}

class NodeSqliteDriver extends SqliteDriver {
  readonly #database: NodeSqliteDatabase;

  constructor(database: NodeSqliteDatabase) {
    super({ database });
    this.#database = database;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // A full disk makes SQLite roll back by itself; asking again would hide the true error.
    if (this.#database.isTransaction) await super.rollbackTransaction(connection);
  }
}

class NodeSqliteDatabase implements SqliteDatabase {
  readonly #database: DatabaseSync;
  /** Least recently used first. */
  readonly #statements = new Map<string, NodeSqliteStatement>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction;
  }

  prepare(sql: string): NodeSqliteStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) this.#statements.delete(sql);
    const statement = known ?? new NodeSqliteStatement(this.#database.prepare(sql));
    this.#statements.set(sql, statement);
    if (this.#statements.size > MOST_STATEMENTS) this.#forgetOldest();
    return statement;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #forgetOldest(): void {
    const [oldest] = this.#statements.keys();
    if (oldest !== undefined) this.#statements.delete(oldest);
  }
}

type Row = Record<string, unknown>;

/**
 * Rows come as arrays and are made objects here: those that Node would make are hash tables, which
 * take several times as long to make and to read, and as much more memory.
 */
class NodeSqliteStatement implements SqliteStatement {
  readonly reader: boolean;
  readonly #statement: StatementSync;
  #names: readonly string[] = [];
  #emptyRow: Row = {};

  constructor(statement: StatementSync) {
    this.#statement = statement;
    this.#learnColumns();
    this.reader = this.#names.length > 0;
    statement.setReturnArrays(true);
  }

  all(parameters: readonly unknown[]): unknown[] {
    assertFit(parameters);
    const rows: unknown[] = this.#statement.all(...parameters);
    return rows.map((values) => this.#toRow(values));
  }

  run(parameters: readonly unknown[]) {
    assertFit(parameters);
    return this.#statement.run(...parameters);
  }

  *iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    assertFit(parameters);
    for (const values of this.#statement.iterate(...parameters)) yield this.#toRow(values);
  }

  #learnColumns(): void {
    this.#names = this.#statement.columns().map(({ name }) => name);
    this.#emptyRow = Object.fromEntries(this.#names.map((name) => [name, null]));
  }

  #toRow(values: unknown): Row {
    if (!Array.isArray(values)) throw new TypeError('SQLite answered a row that is no array');
    // Of all columns there may be more than when the statement was prepared.
    if (values.length !== this.#names.length) this.#learnColumns();
    const row = { ...this.#emptyRow };
    let at = 0;
    for (const name of this.#names) {
      row[name] = values[at];
      at += 1;
    }
    return row;
  }
}

function assertFit(values: readonly unknown[]): asserts values is readonly SQLInputValue[] {
  for (const value of values) {
    switch (typeof value) {
      case 'string':
      case 'number':
      case 'bigint':
        break;
      default:
        if (value === null || value instanceof Uint8Array) break;
        throw new TypeError(`SQLite cannot hold a value of type ${typeof value}`);
    }
  }
}
