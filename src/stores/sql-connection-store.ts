import { sql, type Insertable, type Selectable } from 'kysely';
import { DroverError } from '#kernel/errors.ts';
import type { ConnectionStore } from '#transfers/connection-store.ts';
import type { Connection } from '#transfers/connection.ts';
import type { Database } from './database.ts';
import type { ConnectionTable } from './schema.ts';

/** Counts what was inserted. Whoever inserts holds its row, so that the limit holds. */
const INSERTED = 'connections.inserted';

export class SqlConnectionStore implements ConnectionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async insert(connection: Connection, most: number): Promise<void> {
    const value = sql<string>`cast(cast(settings.value as bigint) + 1 as text)`;
    await this.#database.write(
      async (trx) => {
        await trx
          .insertInto('settings')
          .values({ name: INSERTED, value: '1' })
          .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
          .execute();
        const { count } = await trx
          .selectFrom('connections')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow();
        if (Number(count) >= most) throw tooMany(most);
        await trx.insertInto('connections').values(connectionToRow(connection)).execute();
      },
      { onTaken: (table) => (table === 'connections' ? nameTaken(connection.name) : undefined) },
    );
  }

  async find(name: string): Promise<Connection | undefined> {
    const row = await this.#database.read((db) =>
      db.selectFrom('connections').selectAll().where('name', '=', name).executeTakeFirst(),
    );
    return row && rowToConnection(row);
  }

  async list(): Promise<readonly Connection[]> {
    const rows = await this.#database.read((db) =>
      db.selectFrom('connections').selectAll().orderBy('name').execute(),
    );
    return rows.map(rowToConnection);
  }

  async update(
    name: string,
    change: (now: Connection) => Connection,
  ): Promise<Connection | undefined> {
    const { supportsRowLocks } = this.#database.dialect;
    return await this.#database.write(async (trx) => {
      const query = trx.selectFrom('connections').selectAll().where('name', '=', name);
      const row = await (supportsRowLocks ? query.forUpdate() : query).executeTakeFirst();
      if (row === undefined) return undefined;
      const { name: _, ...changed } = connectionToRow(change(rowToConnection(row)));
      const updated = await trx
        .updateTable('connections')
        .set(changed)
        .where('name', '=', name)
        .returningAll()
        .executeTakeFirstOrThrow();
      return rowToConnection(updated);
    });
  }

  async remove(name: string): Promise<boolean> {
    const gone = await this.#database.write((trx) =>
      trx.deleteFrom('connections').where('name', '=', name).executeTakeFirst(),
    );
    return gone.numDeletedRows > 0n;
  }
}

function connectionToRow(connection: Connection): Insertable<ConnectionTable> {
  const { trust } = connection;
  return {
    name: connection.name,
    kind: connection.kind,
    url: connection.url,
    username: connection.username,
    datacenter: connection.datacenter ?? null,
    ca: trust.ca ?? null,
    thumbprint: trust.thumbprint ?? null,
    is_insecure: trust.isInsecure ? 1 : 0,
    sealed_password: connection.sealedPassword,
    created_at: connection.createdAt,
    updated_at: connection.updatedAt,
  };
}

function rowToConnection(row: Selectable<ConnectionTable>): Connection {
  return {
    name: row.name,
    kind: row.kind as Connection['kind'],
    url: row.url,
    username: row.username,
    datacenter: row.datacenter ?? undefined,
    trust: {
      ca: row.ca ?? undefined,
      thumbprint: row.thumbprint ?? undefined,
      isInsecure: row.is_insecure === 1,
    },
    sealedPassword: row.sealed_password,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function nameTaken(name: string): DroverError {
  return new DroverError(
    'already_exists',
    `name: there is a connection ${name} already; choose another name, or change that one`,
    { reason: 'CONNECTION_EXISTS', metadata: { field: 'name' } },
  );
}

function tooMany(most: number): DroverError {
  return new DroverError(
    'resource_exhausted',
    `there are ${most} connections already, and no more are taken; remove some first`,
    { reason: 'TOO_MANY_CONNECTIONS', metadata: { limit: String(most) } },
  );
}
