import { SqlEventLog } from './sql-event-log.ts';
import type { Database } from './database.ts';
import { SqlMachineStore, type StoreParts } from './sql-machine-store.ts';
import { SqlTokenStore } from './sql-token-store.ts';

export interface Stores {
  readonly machines: SqlMachineStore;
  readonly events: SqlEventLog;
  readonly tokens: SqlTokenStore;
}

/** They own nothing: closing the database is all there is to close. */
export function createStores(database: Database, parts: Omit<StoreParts, 'database'>): Stores {
  return {
    machines: new SqlMachineStore({ database, ...parts }),
    events: new SqlEventLog(database),
    tokens: new SqlTokenStore(database),
  };
}
