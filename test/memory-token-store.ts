/** A token store in memory, for tests of what stands above the port. */
import { DroverError } from '#kernel/errors.ts';
import type { TokenId } from '#kernel/ids.ts';
import type { TokenPageQuery, TokenRow, TokenStore } from '#access/token-store.ts';

export class MemoryTokenStore implements TokenStore {
  readonly rows = new Map<TokenId, TokenRow>();
  /** How often a row was asked for: what a cache in front saves. */
  reads = 0;

  async insert(row: TokenRow): Promise<void> {
    const isTaken =
      this.rows.has(row.id) || [...this.rows.values()].some(({ hash }) => hash === row.hash);
    if (isTaken) {
      throw new DroverError('already_exists', 'a token with this id or hash exists', {
        reason: 'TOKEN_EXISTS',
      });
    }
    this.rows.set(row.id, row);
  }

  async list(): Promise<readonly TokenRow[]> {
    return [...this.rows.values()].toSorted(
      (a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1),
    );
  }

  async page({ after, limit }: TokenPageQuery): Promise<readonly TokenRow[]> {
    const newestFirst = (await this.list()).toReversed();
    const from = newestFirst.findIndex(({ id }) => id === after?.id) + 1;
    return newestFirst.slice(from, from + limit);
  }

  async findById(id: TokenId): Promise<TokenRow | undefined> {
    this.reads += 1;
    return this.rows.get(id);
  }

  async revoke(id: TokenId, revokedAt: number): Promise<TokenRow | undefined> {
    const row = this.rows.get(id);
    if (row === undefined) return undefined;
    const revoked = { ...row, revokedAt: row.revokedAt ?? revokedAt };
    this.rows.set(id, revoked);
    return revoked;
  }

  async touch(id: TokenId, lastUsedAt: number): Promise<void> {
    const row = this.rows.get(id);
    if (row === undefined || (row.lastUsedAt ?? 0) >= lastUsedAt) return;
    this.rows.set(id, { ...row, lastUsedAt });
  }
}
