import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sql } from 'kysely';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';
import type { ColumnKind, GivenRow } from './given-rows.ts';

const SHAPE: Readonly<Record<string, ColumnKind>> = {
  at: 'number',
  name: 'text',
  same: 'text',
  body: 'json',
};

/** What has a meaning in the syntax of arrays, of JSON, or of what stands between two values. */
const ODD = ['', 'null', 'NULL', '{}', '{a,b}', '"', '\\', '\\"', ',', '\u001E', 'é\n\t', "''"];

for (const dialect of DIALECTS) {
  describe(`given rows on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);

    it('come out as they were given, whatever is in them and however many there are', async () => {
      await using stores = await openStoresAt(await createUrl());
      const { database } = stores;
      const read = async (rows: readonly GivenRow[]) => {
        const given = database.dialect.givenRows({ alias: 'given', shape: SHAPE, rows });
        return await database.read(async (db) => {
          const query = sql<Record<string, unknown>>`select * from ${given} order by at`;
          return (await query.execute(db)).rows.map(({ at, name, same, body }) => [
            ...[Number(at), name, same, body],
          ]);
        });
      };
      const some = ODD.map((text, at): GivenRow => [at, text, 'x"y', JSON.stringify({ text })]);
      assert.deepEqual(await read(some), some);
      const withNulls = some.map(([at = 0, , , body = null], n): GivenRow => {
        return [at, null, n % 2 === 0 ? null : 'b', n % 3 === 0 ? null : body];
      });
      assert.deepEqual(await read(withNulls), withNulls);
      for (const body of [null, '""']) {
        assert.deepEqual(await read([[7, 'one', null, body]]), [[7, 'one', null, body]]);
        const two: GivenRow[] = [1, 2].map((at) => [at, 'all', 'the same', body]);
        assert.deepEqual(await read(two), two);
      }
      assert.deepEqual(await read([]), []);
    });
  });
}
