import type { Selectable } from 'kysely';
import type { Scope } from '#access/principal.ts';
import type { TokenPageQuery, TokenRow, TokenStore } from '#access/token-store.ts';
import { DroverError } from '#kernel/errors.ts';
import type { CustomerId, TokenId } from '#kernel/ids.ts';
import type { Database } from './database.ts';
import type { TokenTable } from './schema.ts';

export class SqlTokenStore implements TokenStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async insert(token: TokenRow): Promise<void> {
    const row = {
      id: token.id,
      name: token.name,
      hash: token.hash,
      customer_id: token.customerId,
      scope: token.scope,
      created_at: token.createdAt,
      expires_at: token.expiresAt,
      revoked_at: token.revokedAt,
      last_used_at: token.lastUsedAt,
    };
    const onTaken = () =>
      new DroverError('already_exists', 'a token with this id or secret exists already', {
        reason: 'TOKEN_EXISTS',
      });
    await this.#database.write((trx) => trx.insertInto('tokens').values(row).execute(), {
      onTaken,
    });
  }

  async list(): Promise<readonly TokenRow[]> {
    const rows = await this.#database.read((db) =>
      db.selectFrom('tokens').selectAll().orderBy('created_at').orderBy('id').execute(),
    );
    return rows.map(rowToToken);
  }

  async page({ after, limit }: TokenPageQuery): Promise<readonly TokenRow[]> {
    const rows = await this.#database.read((db) => {
      const all = db.selectFrom('tokens').selectAll();
      const older =
        after === undefined
          ? all
          : all.where((eb) =>
              eb.or([
                eb('created_at', '<', after.createdAt),
                eb('created_at', '=', after.createdAt).and('id', '<', after.id),
              ]),
            );
      return older.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
    });
    return rows.map(rowToToken);
  }

  async findById(id: TokenId): Promise<TokenRow | undefined> {
    const row = await this.#database.read((db) =>
      db.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst(),
    );
    return row && rowToToken(row);
  }

  async revoke(id: TokenId, revokedAt: number): Promise<TokenRow | undefined> {
    const row = await this.#database.write(async (trx) => {
      await trx
        .updateTable('tokens')
        .set({ revoked_at: revokedAt })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .execute();
      return await trx.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst();
    });
    return row && rowToToken(row);
  }

  async touch(id: TokenId, lastUsedAt: number): Promise<void> {
    await this.#database.write((trx) =>
      trx
        .updateTable('tokens')
        .set({ last_used_at: lastUsedAt })
        .where('id', '=', id)
        .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<', lastUsedAt)]))
        .execute(),
    );
  }
}

function rowToToken(row: Selectable<TokenTable>): TokenRow {
  return {
    id: row.id as TokenId,
    name: row.name,
    hash: row.hash,
    customerId: row.customer_id as CustomerId | null,
    scope: row.scope as Scope,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  };
}
