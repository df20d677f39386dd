/**
 * The one door to a database. Stores read through `read` and change through `write`; each call of
 * `write` is one transaction. Errors of the driver end here: what comes out is a DroverError.
 */
import type { Kysely, Transaction } from 'kysely';
import { backoffMs } from '#kernel/backoff.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { failureToError } from './database-error.ts';
import type { Connections, Dialect } from './dialects/dialect.ts';
import type { Schema } from './schema.ts';

export interface WriteOptions {
  /** What to say when a key of this table is taken; undefined leaves it to a general text. */
  readonly onTaken?: (table: string) => DroverError | undefined;
}

const WRITE_ATTEMPTS = 8;

export class Database implements AsyncDisposable {
  readonly #connections: Connections;
  readonly #clock: Clock;

  constructor(connections: Connections, clock: Clock) {
    this.#connections = connections;
    this.#clock = clock;
  }

  get dialect(): Dialect {
    return this.#connections.dialect;
  }

  /** For compiling queries ahead of time; run them inside `read`. */
  get reader(): Kysely<Schema> {
    return this.#connections.reader;
  }

  async read<T>(query: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
    try {
      return await query(this.#connections.reader);
    } catch (thrown) {
      throw this.#explain(thrown, {});
    }
  }

  /** Runs again when it lost a race against another transaction, so `work` changes only rows. */
  async write<T>(
    work: (trx: Transaction<Schema>) => Promise<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#connections.writer.transaction().execute(work);
      } catch (thrown) {
        const lostRace = this.dialect.failureOf(thrown)?.kind === 'lost-race';
        if (!lostRace || attempt === WRITE_ATTEMPTS) throw this.#explain(thrown, options);
        await this.#clock.sleep(backoffMs(attempt, 2, 200));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections[Symbol.asyncDispose]();
  }

  #explain(thrown: unknown, options: WriteOptions): unknown {
    if (thrown instanceof DroverError) return thrown;
    const failure = this.dialect.failureOf(thrown);
    if (failure === undefined) return thrown;
    const taken = failure.kind === 'unique' ? options.onTaken?.(failure.table) : undefined;
    return taken ?? failureToError(failure, thrown);
  }
}
