/** Keeps connections under their names. */
import type { Connection } from './connection.ts';

export interface ConnectionStore {
  /** `already_exists` when the name is taken, `resource_exhausted` when there are `most`. */
  insert(connection: Connection, most: number): Promise<void>;
  find(name: string): Promise<Connection | undefined>;
  /** All of them, by name. */
  list(): Promise<readonly Connection[]>;
  /** Nobody else changes it meanwhile; `change` may be called again. Undefined when it is gone. */
  update(name: string, change: (now: Connection) => Connection): Promise<Connection | undefined>;
  /** Whether it was there. */
  remove(name: string): Promise<boolean>;
}
