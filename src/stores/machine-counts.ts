/**
 * Running sums over machines, kept in the transaction that changes the machines, so that totals,
 * quotas and gauges cost the same however many machines there are. Under the customer '' stand
 * the sums of everybody.
 *
 * Rows are always changed in one order, a customer's before everybody's and states by name:
 * transactions that touch the same rows then wait for each other instead of deadlocking.
 */
import type { Kysely, Transaction } from 'kysely';
import type { Usage } from '#access/quota.ts';
import { MACHINE_STATES, type MachineState } from '#machines/machine.ts';
import type { Schema } from './schema.ts';
import { slot, StoredQuery } from './stored-query.ts';

export interface CountChange {
  readonly customerId: string;
  readonly state: string;
  readonly by: Usage;
}

export type CountsByState = Readonly<Record<MachineState, Usage>>;

const EVERYBODY = '';
const NOTHING: Usage = { machines: 0, vcpus: 0, memoryMib: 0 };

export async function changeCounts(
  trx: Transaction<Schema>,
  changes: readonly CountChange[],
): Promise<void> {
  const inOrder = changes.toSorted((one, other) => (one.state < other.state ? -1 : 1));
  for (const { customerId, state, by } of inOrder) await addTo(trx, { customerId, state, by });
  for (const { state, by } of inOrder) await addTo(trx, { customerId: EVERYBODY, state, by });
}

async function addTo(trx: Transaction<Schema>, change: CountChange): Promise<void> {
  const { customerId, state, by } = change;
  await trx
    .insertInto('machine_counts')
    .values({
      customer_id: customerId,
      state,
      machines: by.machines,
      vcpus: by.vcpus,
      memory_mib: by.memoryMib,
    })
    .onConflict((conflict) =>
      conflict.columns(['customer_id', 'state']).doUpdateSet((eb) => ({
        machines: eb('machine_counts.machines', '+', by.machines),
        vcpus: eb('machine_counts.vcpus', '+', by.vcpus),
        memory_mib: eb('machine_counts.memory_mib', '+', by.memoryMib),
      })),
    )
    .execute();
}

export class MachineCounts {
  readonly #query: StoredQuery<{
    state: string;
    machines: number;
    vcpus: number;
    memory_mib: number;
  }>;

  constructor(db: Kysely<Schema>) {
    this.#query = new StoredQuery(
      db
        .selectFrom('machine_counts')
        .select(['state', 'machines', 'vcpus', 'memory_mib'])
        .where('customer_id', '=', slot<string>('customerId')),
    );
  }

  /** Of one customer, or of everybody when none is named. */
  async read(db: Kysely<Schema>, customerId: string = EVERYBODY): Promise<CountsByState> {
    const rows = await this.#query.run(db, { customerId });
    const usageIn = (state: MachineState): Usage => {
      const row = rows.find((candidate) => candidate.state === state);
      if (row === undefined) return NOTHING;
      return { machines: row.machines, vcpus: row.vcpus, memoryMib: row.memory_mib };
    };
    return {
      created: usageIn('created'),
      running: usageIn('running'),
      paused: usageIn('paused'),
      shutdown: usageIn('shutdown'),
    };
  }
}

/** An empty list of states means all of them. */
export function sumCounts(counts: CountsByState, states: readonly MachineState[] = []): Usage {
  const wanted: readonly MachineState[] =
    states.length === 0 ? MACHINE_STATES : [...new Set(states)];
  return wanted.reduce<Usage>(
    (sum, state) => ({
      machines: sum.machines + counts[state].machines,
      vcpus: sum.vcpus + counts[state].vcpus,
      memoryMib: sum.memoryMib + counts[state].memoryMib,
    }),
    NOTHING,
  );
}
