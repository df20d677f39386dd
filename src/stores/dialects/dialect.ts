/**
 * Everything in which the two databases differ, by name. Stores ask here and never which database
 * they talk to. Each folder beside this file implements it under the same file names.
 */
import type { ColumnDefinitionBuilder, Kysely, RawBuilder, Transaction } from 'kysely';
import type { GivenRows, NewRows } from '#stores/given-rows.ts';
import type { Schema } from '#stores/schema.ts';

/** Held to the end of the transaction that takes it. */
export type LockName = 'migrations' | 'events' | 'lanes';

export type DatabaseFailure =
  /** A key of this table is taken. */
  | { readonly kind: 'unique'; readonly table: string }
  | { readonly kind: 'storage-full' }
  | { readonly kind: 'read-only' }
  /** Another program holds the database for too long. */
  | { readonly kind: 'busy' }
  /** The transaction lost against another one and can simply be run again. */
  | { readonly kind: 'lost-race' }
  | { readonly kind: 'damaged' }
  /** A value that this database cannot hold, such as a NUL in text. */
  | { readonly kind: 'unfit-value' }
  | { readonly kind: 'unreachable' };

export type FailureKind = DatabaseFailure['kind'];

export interface Dialect {
  readonly name: string;
  /** Without row locks a write transaction has the whole database to itself. */
  readonly supportsRowLocks: boolean;
  readonly columns: {
    /** Text that is compared and sorted byte by byte, whatever the locale of the server. */
    readonly key: RawBuilder<unknown>;
    /** Checked JSON where the database can, and always given back as it was written. */
    readonly json: RawBuilder<unknown>;
    readonly bytes: RawBuilder<unknown>;
    /** A number that the database counts up and never uses twice. */
    readonly sequence: RawBuilder<unknown>;
    readonly defineSequence: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
  };
  takeLock(trx: Transaction<Schema>, name: LockName): Promise<void>;
  /** In the order in which they are given. */
  insertRows(trx: Transaction<Schema>, table: string, rows: NewRows): Promise<void>;
  /** Stands after FROM: a thousand rows for a handful of parameters. */
  givenRows(rows: GivenRows): RawBuilder<unknown>;
  /** Undefined for an error that is not the database's, or is a mistake of ours. */
  failureOf(thrown: unknown): DatabaseFailure | undefined;
}

/** Reads have connections of their own, so that none waits for a write transaction. */
export interface Connections extends AsyncDisposable {
  readonly dialect: Dialect;
  readonly reader: Kysely<Schema>;
  readonly writer: Kysely<Schema>;
}
