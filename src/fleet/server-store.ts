/** Keeps the servers that were added while running; those of the configuration are not in it. */
import type { ServerId } from '#kernel/ids.ts';
import type { WatchedServer } from './server.ts';

export interface StoredServer extends WatchedServer {
  readonly origin: 'api';
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface ServerStore {
  /** `already_exists` when the id is taken, `resource_exhausted` when there are `most`. */
  insert(server: StoredServer, most: number): Promise<void>;
  find(id: ServerId): Promise<StoredServer | undefined>;
  /** All of them, by id. */
  list(): Promise<readonly StoredServer[]>;
  /** Nobody else changes it meanwhile; `change` may be called again. Undefined when it is gone. */
  update(
    id: ServerId,
    change: (now: StoredServer) => StoredServer,
  ): Promise<StoredServer | undefined>;
  /** Whether it was there. */
  remove(id: ServerId): Promise<boolean>;
  /** Another one after each change, by whichever process; cheap to ask for. */
  revision(): Promise<number>;
}
