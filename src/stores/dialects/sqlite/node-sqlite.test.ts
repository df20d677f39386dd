import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { Kysely, sql } from 'kysely';
import { NodeSqliteDialect } from './node-sqlite.ts';

function openKysely(): Kysely<unknown> {
  return new Kysely({ dialect: new NodeSqliteDialect(new DatabaseSync(':memory:')) });
}

describe('NodeSqliteDialect', () => {
  it('answers rows as objects, with null where there is nothing', async () => {
    await using db = openKysely();
    const query = sql`
      select 1 as one, 'text' as two, null as three, x'00ff' as four
      union all select 2, null, 2.5, null`;
    assert.deepEqual((await query.execute(db)).rows, [
      { one: 1, two: 'text', three: null, four: new Uint8Array([0, 255]) },
      { one: 2, two: null, three: 2.5, four: null },
    ]);
  });

  it('answers columns that were added after a statement was first run', async () => {
    await using db = openKysely();
    const all = sql`select * from things`;
    await sql`create table things (one integer)`.execute(db);
    await sql`insert into things values (1)`.execute(db);
    assert.deepEqual((await all.execute(db)).rows, [{ one: 1 }]);
    await sql`alter table things add column two integer default 2`.execute(db);
    assert.deepEqual((await all.execute(db)).rows, [{ one: 1, two: 2 }]);
  });

  it('refuses a value that SQLite cannot hold, and names its type', async () => {
    await using db = openKysely();
    await assert.rejects(sql`select ${true}`.execute(db), {
      name: 'TypeError',
      message: 'SQLite cannot hold a value of type boolean',
    });
  });
});
