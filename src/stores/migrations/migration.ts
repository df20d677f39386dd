import type { Transaction } from 'kysely';
import type { Dialect } from '#stores/dialects/dialect.ts';
import type { Schema } from '#stores/schema.ts';

/** One step forward. Once released it is never edited: a correction is a further step. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly up: (trx: Transaction<Schema>, dialect: Dialect) => Promise<void>;
}
