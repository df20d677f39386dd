/** Silences of alerts in the database. */
import type { LabelMatcher } from '#metrics/metric-reader.ts';
import type { Silence } from '#metrics/thresholds/silence.ts';
import { DroverError } from '#kernel/errors.ts';
import type { Database } from './database.ts';

export async function insertSilence(
  database: Database,
  silence: Silence,
  { most, nowMs }: { readonly most: number; readonly nowMs: number },
): Promise<void> {
  await database.write(async (trx) => {
    await trx.deleteFrom('silences').where('until', '<=', nowMs).execute();
    await trx
      .insertInto('silences')
      .values({
        id: silence.id,
        matchers: JSON.stringify(silence.matchers),
        comment: silence.comment,
        created_by: silence.createdBy,
        created_at: silence.createdAt,
        until: silence.untilMs,
      })
      .execute();
    // Two at the same moment may both be the last: a bound on what is kept, and no quota.
    const { count } = await trx
      .selectFrom('silences')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    if (Number(count) > most) throw tooMany(most);
  });
}

export async function readSilences(database: Database): Promise<readonly Silence[]> {
  const rows = await database.read((db) =>
    db.selectFrom('silences').selectAll().orderBy('until').orderBy('id').execute(),
  );
  return rows.map((row) => ({
    id: row.id,
    matchers: JSON.parse(row.matchers) as readonly LabelMatcher[],
    untilMs: row.until,
    comment: row.comment,
    createdBy: row.created_by,
    createdAt: row.created_at,
  }));
}

export async function removeSilence(database: Database, id: string): Promise<boolean> {
  const gone = await database.write((trx) =>
    trx.deleteFrom('silences').where('id', '=', id).executeTakeFirst(),
  );
  return gone.numDeletedRows > 0n;
}

function tooMany(most: number): DroverError {
  return new DroverError(
    'resource_exhausted',
    `there are ${most} silences already, and no more are taken; end some first`,
    { reason: 'TOO_MANY_SILENCES', metadata: { limit: String(most) } },
  );
}
