import { sql, type Insertable, type Selectable, type Transaction } from 'kysely';
import type { ServerStore, StoredServer } from '#fleet/server-store.ts';
import type { ServerRole, SourceSpec } from '#fleet/server.ts';
import { DroverError } from '#kernel/errors.ts';
import { isServerId, type ServerId } from '#kernel/ids.ts';
import type { Database } from './database.ts';
import type { Schema, ServerTable } from './schema.ts';

/** A row of the settings. Each change counts it up first, and so waits for the others. */
const REVISION = 'servers.revision';

export class SqlServerStore implements ServerStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async insert(server: StoredServer, most: number): Promise<void> {
    await this.#database.write(
      async (trx) => {
        await countUp(trx);
        const { count } = await trx
          .selectFrom('servers')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow();
        if (Number(count) >= most) throw tooMany(most);
        await trx.insertInto('servers').values(serverToRow(server)).execute();
      },
      { onTaken: (table) => (table === 'servers' ? idTaken(server.id) : undefined) },
    );
  }

  async find(id: ServerId): Promise<StoredServer | undefined> {
    const row = await this.#database.read((db) =>
      db.selectFrom('servers').selectAll().where('id', '=', id).executeTakeFirst(),
    );
    return row && rowToServer(row);
  }

  async list(): Promise<readonly StoredServer[]> {
    const rows = await this.#database.read((db) =>
      db.selectFrom('servers').selectAll().orderBy('id').execute(),
    );
    return rows.map(rowToServer);
  }

  async update(
    id: ServerId,
    change: (now: StoredServer) => StoredServer,
  ): Promise<StoredServer | undefined> {
    return await this.#database.write(async (trx) => {
      await countUp(trx);
      const query = trx.selectFrom('servers').selectAll().where('id', '=', id);
      const row = await query.executeTakeFirst();
      if (row === undefined) return undefined;
      const { id: _, ...changed } = serverToRow(change(rowToServer(row)));
      const updated = await trx
        .updateTable('servers')
        .set(changed)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow();
      return rowToServer(updated);
    });
  }

  async remove(id: ServerId): Promise<boolean> {
    return await this.#database.write(async (trx) => {
      await countUp(trx);
      const gone = await trx.deleteFrom('servers').where('id', '=', id).executeTakeFirst();
      return gone.numDeletedRows > 0n;
    });
  }

  async revision(): Promise<number> {
    const row = await this.#database.read((db) =>
      db.selectFrom('settings').select('value').where('name', '=', REVISION).executeTakeFirst(),
    );
    return Number(row?.value ?? 0);
  }
}

async function countUp(trx: Transaction<Schema>): Promise<void> {
  const value = sql<string>`cast(cast(settings.value as bigint) + 1 as text)`;
  await trx
    .insertInto('settings')
    .values({ name: REVISION, value: '1' })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

function serverToRow(server: StoredServer): Insertable<ServerTable> {
  return {
    id: server.id,
    name: server.name,
    roles: JSON.stringify(server.roles),
    sources: JSON.stringify(server.sources),
    created_at: server.createdAt,
    updated_at: server.updatedAt,
  };
}

function rowToServer(row: Selectable<ServerTable>): StoredServer {
  if (!isServerId(row.id)) throw new DroverError('data_loss', 'a stored server has no valid id');
  return {
    id: row.id,
    name: row.name,
    roles: JSON.parse(row.roles) as readonly ServerRole[],
    sources: (JSON.parse(row.sources) as readonly SourceSpec[]).map(completeSource),
    origin: 'api',
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** What is undefined is left out of JSON, and is there again afterwards. */
function completeSource(source: SourceSpec): SourceSpec {
  if (source.kind === 'local') return { kind: 'local' };
  const { ca, thumbprint, isInsecure } = source.trust;
  const common = {
    url: source.url,
    trust: { ca, thumbprint, isInsecure },
    sealedSecret: source.sealedSecret,
  };
  switch (source.kind) {
    case 'prometheus':
      return { kind: source.kind, instance: source.instance, ...common };
    case 'proxmox':
      return { kind: source.kind, node: source.node, ...common };
    case 'exporter':
    case 'qdrant':
      return { kind: source.kind, ...common };
  }
}

function idTaken(id: string): DroverError {
  return new DroverError(
    'already_exists',
    `id: there is a server ${id} already; choose another id, or change that one`,
    { reason: 'SERVER_EXISTS', metadata: { field: 'id' } },
  );
}

function tooMany(most: number): DroverError {
  return new DroverError(
    'resource_exhausted',
    `there are ${most} servers already, and no more are taken; remove some first`,
    { reason: 'TOO_MANY_SERVERS', metadata: { limit: String(most) } },
  );
}
