/** A server store in memory, for tests of what stands above the port. */
import type { ServerStore, StoredServer } from '#fleet/server-store.ts';
import { DroverError } from '#kernel/errors.ts';
import type { ServerId } from '#kernel/ids.ts';

export class MemoryServerStore implements ServerStore {
  readonly rows = new Map<ServerId, StoredServer>();
  /** How often all of them were read: what asking for the revision saves. */
  lists = 0;
  #revision = 0;

  insert(server: StoredServer, most: number): Promise<void> {
    const reason = this.rows.has(server.id) ? 'SERVER_EXISTS' : 'TOO_MANY_SERVERS';
    if (this.rows.has(server.id) || this.rows.size >= most) {
      throw new DroverError('already_exists', reason, { reason });
    }
    return this.#put(server);
  }

  find(id: ServerId): Promise<StoredServer | undefined> {
    return Promise.resolve(this.rows.get(id));
  }

  list(): Promise<readonly StoredServer[]> {
    this.lists += 1;
    return Promise.resolve([...this.rows.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  }

  async update(
    id: ServerId,
    change: (now: StoredServer) => StoredServer,
  ): Promise<StoredServer | undefined> {
    const now = this.rows.get(id);
    if (now === undefined) return undefined;
    const changed = change(now);
    await this.#put(changed);
    return changed;
  }

  remove(id: ServerId): Promise<boolean> {
    this.#revision += 1;
    return Promise.resolve(this.rows.delete(id));
  }

  revision(): Promise<number> {
    return Promise.resolve(this.#revision);
  }

  #put(server: StoredServer): Promise<void> {
    this.#revision += 1;
    this.rows.set(server.id, server);
    return Promise.resolve();
  }
}
