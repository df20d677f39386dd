/**
 * Fills a database with machines by copying one that was made through the API, so that every row,
 * index and counter is what the product would have written. Only events and intents are left
 * out, of which listing knows nothing. The copies belong to other hosts: whoever opens this
 * database lists them and runs none of them.
 */
import { sql, type Transaction } from 'kysely';
import type { Database } from '#stores/database.ts';
import type { Schema } from '#stores/schema.ts';

export interface MachineRows {
  readonly templateId: string;
  readonly count: number;
  /** Machines are dealt out to `c0`, `c1`, …, in the order they were made. */
  readonly customers: number;
}

const BATCH = 50_000;
const FIRST_CREATED_AT = 1_700_000_000_000;
/** Odd, so that multiples of it are all different modulo 2³², and in no order, as ids are. */
const SCATTER = 2_654_435_761;

export async function fillMachines(database: Database, rows: MachineRows): Promise<void> {
  for (let from = 0; from < rows.count; from += BATCH) {
    const to = Math.min(rows.count, from + BATCH);
    await database.write((trx) => insertRows(trx, rows, { from, to }));
  }
  await database.write(async (trx) => {
    await trx.deleteFrom('machines').where('id', '=', rows.templateId).execute();
    await countRows(trx);
    // The planner of a database in use knows what is in it.
    await sql`ANALYZE`.execute(trx);
  });
}

/** 70 % run, 20 % are shut down, 9 % only created, 1 % paused; each customer's likewise. */
async function insertRows(
  trx: Transaction<Schema>,
  { templateId, customers }: MachineRows,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const turn = sql`((i / ${sql.lit(customers)}) % 100)`;
  await sql`
    INSERT INTO machines
      (id, customer_id, host_id, spec, state, state_reason, state_message, state_changed_at,
       is_deleting, process, booted_at, leases, created_at, updated_at)
    WITH RECURSIVE numbers(i) AS (
      SELECT CAST(${sql.lit(from)} AS BIGINT)
      UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < ${sql.lit(to)}
    )
    SELECT
      'vm_' || CAST((i * ${sql.lit(SCATTER)}) % 4294967296 AS TEXT),
      'c' || CAST(i % ${sql.lit(customers)} AS TEXT),
      'host-' || CAST(i % 100 AS TEXT),
      spec,
      CASE WHEN ${turn} < 70 THEN 'running' WHEN ${turn} < 90 THEN 'shutdown'
           WHEN ${turn} < 99 THEN 'created' ELSE 'paused' END,
      state_reason, state_message, state_changed_at, is_deleting, process, booted_at, leases,
      ${sql.lit(FIRST_CREATED_AT)} + i * 1000, updated_at
    FROM numbers CROSS JOIN machines AS template
    WHERE template.id = ${templateId}
  `.execute(trx);
}

/** The counters as the store keeps them; every copy is as large as the machine it is a copy of. */
async function countRows(trx: Transaction<Schema>): Promise<void> {
  await trx.deleteFrom('machine_counts').execute();
  const [vcpus, memoryMib] = [1, 128];
  const views = [
    { customer: sql.ref('customer_id'), groups: sql.ref('customer_id') },
    // Everybody's.
    { customer: sql.lit(''), groups: sql.ref('state') },
  ];
  for (const { customer, groups } of views) {
    await sql`
      INSERT INTO machine_counts (customer_id, state, machines, vcpus, memory_mib)
      SELECT ${customer}, state, count(*), count(*) * ${sql.lit(vcpus)},
             count(*) * ${sql.lit(memoryMib)}
      FROM machines GROUP BY ${groups}, state
    `.execute(trx);
  }
  await sql`
    INSERT INTO customers (id) SELECT DISTINCT customer_id FROM machines WHERE true
    ON CONFLICT DO NOTHING
  `.execute(trx);
}
