/** Who tells of which watched server; see src/metrics/thresholds/tellers.ts. */
import { sql, type Transaction } from 'kysely';
import { randomHex } from '#kernel/random.ts';
import type {
  Claim,
  Teller,
  TellerBoard,
  TellerStore,
  Tenure,
} from '#metrics/thresholds/teller-store.ts';
import type { Database } from './database.ts';
import type { Dialect } from './dialects/dialect.ts';
import type { Schema } from './schema.ts';

/** No turn is empty. */
const NOBODY = '';
const CLAIMED = { server: 'text', before: 'text' } as const;

export class SqlTellerStore implements TellerStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async look(holder: string): Promise<TellerBoard> {
    await this.#database.write(async (trx) => {
      await trx
        .insertInto('alert_beats')
        .values({ holder, beat: 1 })
        .onConflict((conflict) =>
          conflict.column('holder').doUpdateSet({ beat: sql<number>`alert_beats.beat + 1` }),
        )
        .execute();
    });
    return await this.#database.read(async (db) => {
      const beats = await db.selectFrom('alert_beats').selectAll().execute();
      const rows = await db.selectFrom('alert_tellers').selectAll().execute();
      return {
        beats: new Map(beats.map((row) => [row.holder, row.beat])),
        tellers: rows.map(({ server_id: server, ...row }): Teller => ({ server, ...row })),
      };
    });
  }

  async claim(
    { holder, rules }: { readonly holder: string; readonly rules: string },
    claims: readonly Claim[],
  ): Promise<readonly Tenure[]> {
    const { dialect } = this.#database;
    const turn = randomHex(8);
    const rows = claims.map(({ server, before }) => [server, before?.turn ?? NOBODY]);
    const given = dialect.givenRows({ alias: 'given', shape: CLAIMED, rows });
    return await this.#database.write(async (trx) => {
      const taken = await sql<{ server_id: string }>`
        update alert_tellers set holder = ${holder}, turn = ${turn}, rules = ${rules}
        from ${given}
        where alert_tellers.server_id = given.server and alert_tellers.turn = given.before
        returning alert_tellers.server_id`.execute(trx);
      const made = await sql<{ server_id: string }>`
        insert into alert_tellers (server_id, holder, turn, rules)
        select given.server, ${holder}, ${turn}, ${rules} from ${given}
        where given.before = ${NOBODY}
        on conflict (server_id) do nothing
        returning server_id`.execute(trx);
      return [...taken.rows, ...made.rows].map((row) => ({ server: row.server_id, holder, turn }));
    });
  }

  async release(tenures: readonly Tenure[]): Promise<void> {
    const { dialect } = this.#database;
    const rows = tenures.map(({ server, turn }) => [server, turn]);
    const given = dialect.givenRows({ alias: 'given', shape: CLAIMED, rows });
    await this.#database.write(async (trx) => {
      await sql`
        delete from alert_tellers where exists (
          select 1 from ${given}
          where given.server = alert_tellers.server_id and given.before = alert_tellers.turn
        )`.execute(trx);
    });
  }

  async leave(holder: string): Promise<void> {
    await this.#database.write(async (trx) => {
      await trx.deleteFrom('alert_tellers').where('holder', '=', holder).execute();
      await trx.deleteFrom('alert_beats').where('holder', '=', holder).execute();
    });
  }
}

/** Nobody can end these before the transaction does. */
export async function lockTenures(
  trx: Transaction<Schema>,
  dialect: Dialect,
  tenures: readonly (Tenure | undefined)[],
): Promise<(tenure: Tenure | undefined) => boolean> {
  const asked = new Map(tenures.flatMap((each) => (each ? [[each.server, each]] : [])));
  if (asked.size === 0) return () => true;
  const rows = await trx
    .selectFrom('alert_tellers')
    .select(['server_id', 'holder', 'turn'])
    .where('server_id', 'in', [...asked.keys()])
    .orderBy('server_id')
    .$if(dialect.supportsRowLocks, (some) => some.forShare())
    .execute();
  const lasting = new Map(rows.map((row) => [row.server_id, row]));
  return (tenure) => {
    if (tenure === undefined) return true;
    const row = lasting.get(tenure.server);
    return row?.holder === tenure.holder && row.turn === tenure.turn;
  };
}
