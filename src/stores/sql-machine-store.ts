/**
 * Machines in SQL. Transactions take their locks in one order: the customer, networks, the
 * machine, its intents, counts, and last the events. What is read or compared to decide is read
 * after its lock.
 */
import { sql, type Selectable, type Transaction } from 'kysely';
import { exceededLimit, exceededToError, type QuotaLimits, type Usage } from '#access/quota.ts';
import type { EventSignal } from '#events/event-signal.ts';
import type { MachineEvent } from '#events/event.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { CustomerId, HostId, IntentId, MachineId } from '#kernel/ids.ts';
import { specToUsage } from '#machines/host-capacity.ts';
import type { IntentOutcome, MachineIntent } from '#machines/machine-intent.ts';
import type {
  MachinePage,
  MachineQuery,
  MachineStore,
  MachineUpdate,
  NewMachine,
} from '#machines/machine-store.ts';
import type { Machine, MachineState } from '#machines/machine.ts';
import { leaseAddresses } from './address-leases.ts';
import type { Database } from './database.ts';
import { appendEvents } from './event-writer.ts';
import { changeCounts, MachineCounts, sumCounts } from './machine-counts.ts';
import * as intents from './machine-intents.ts';
import { MachineList } from './machine-list.ts';
import {
  newMachineToRow,
  rowToMachine,
  rowWithSpecToMachine,
  updateToColumns,
  type MachineRow,
} from './machine-row.ts';
import type { CustomerTable, Schema } from './schema.ts';
import { SpecCache } from './spec-cache.ts';
import { slot, StoredQuery } from './stored-query.ts';

export interface StoreParts {
  readonly database: Database;
  readonly eventSignal: EventSignal;
  readonly clock: Clock;
}

const COLUMNS_BUT_SPEC = [
  'id',
  'customer_id',
  'host_id',
  'state',
  'state_reason',
  'state_message',
  'state_changed_at',
  'is_deleting',
  'process',
  'booted_at',
  'leases',
  'created_at',
  'updated_at',
] as const;

export class SqlMachineStore implements MachineStore {
  readonly #database: Database;
  readonly #eventSignal: EventSignal;
  readonly #clock: Clock;
  readonly #counts: MachineCounts;
  readonly #list: MachineList;
  readonly #intents: intents.MachineIntents;
  readonly #byId: StoredQuery<Omit<MachineRow, 'spec'> & { readonly spec: string | null }>;
  readonly #specs = new SpecCache();

  constructor({ database, eventSignal, clock }: StoreParts) {
    this.#database = database;
    this.#eventSignal = eventSignal;
    this.#clock = clock;
    this.#counts = new MachineCounts(database.reader);
    this.#list = new MachineList(this.#counts);
    this.#intents = new intents.MachineIntents(database.reader);
    this.#byId = new StoredQuery(
      database.reader
        .selectFrom('machines')
        .select(COLUMNS_BUT_SPEC)
        .select(
          sql<string | null>`case when ${sql.ref('created_at')} = ${slot<number>('known')}
            then null else ${sql.ref('spec')} end`.as('spec'),
        )
        .where('id', '=', slot<string>('id')),
    );
  }

  async insert(machine: NewMachine): Promise<Machine> {
    const { id, customerId, leases: requests } = machine;
    // Two customers that choose one id in the same moment hold no lock in common.
    const onTaken = (table: string) => (table === 'machines' ? machineExistsError(id) : undefined);
    const row = await this.#database.write(
      async (trx) => {
        const limits = await this.#lockCustomer(trx, customerId);
        if ((await this.#lockMachine(trx, id)) !== undefined) throw machineExistsError(id);
        const wanted = specToUsage(machine.spec);
        const use = sumCounts(await this.#counts.read(trx, customerId));
        const exceeded = exceededLimit(limits ?? machine.defaultQuota, use, wanted);
        if (exceeded !== undefined) throw exceededToError(exceeded, 'customer');
        const order = { machineId: id, requests };
        const leases = await leaseAddresses(trx, this.#database.dialect, order);
        const inserted = newMachineToRow(machine, leases);
        await trx.insertInto('machines').values(inserted).execute();
        await changeCounts(trx, [{ customerId, state: inserted.state, by: wanted }]);
        await this.#append(trx, [machine.event]);
        return inserted;
      },
      { onTaken },
    );
    this.#specs.forget(id);
    this.#eventSignal.notify();
    return rowToMachine(row);
  }

  async get(id: MachineId): Promise<Machine | undefined> {
    const known = this.#specs.find(id);
    const values = { id, known: known?.createdAt ?? -1 };
    const [row] = await this.#database.read((db) => this.#byId.run(db, values));
    if (row === undefined) return undefined;
    if (row.spec === null && known !== undefined) return rowWithSpecToMachine(row, known.spec);
    const machine = rowToMachine({ ...row, spec: row.spec ?? '' });
    this.#specs.keep(id, { createdAt: machine.createdAt, spec: machine.spec });
    return machine;
  }

  async list(query: MachineQuery): Promise<MachinePage> {
    return await this.#database.read((db) => this.#list.page(db, query));
  }

  async listByHost(hostId: HostId, afterId: string, limit: number): Promise<readonly Machine[]> {
    const rows = await this.#database.read((db) =>
      db
        .selectFrom('machines')
        .selectAll()
        .where('host_id', '=', hostId)
        .where('id', '>', afterId)
        .orderBy('id')
        .limit(limit)
        .execute(),
    );
    return rows.map(rowToMachine);
  }

  async countByState(): Promise<Readonly<Record<MachineState, number>>> {
    const counts = await this.#database.read((db) => this.#counts.read(db));
    return {
      created: counts.created.machines,
      running: counts.running.machines,
      paused: counts.paused.machines,
      shutdown: counts.shutdown.machines,
    };
  }

  async usage(customerId: CustomerId): Promise<Usage> {
    return sumCounts(await this.#database.read((db) => this.#counts.read(db, customerId)));
  }

  async quota(customerId: CustomerId): Promise<QuotaLimits | undefined> {
    const row = await this.#database.read((db) =>
      db.selectFrom('customers').selectAll().where('id', '=', customerId).executeTakeFirst(),
    );
    return limitsOf(row);
  }

  async setQuota(customerId: CustomerId, limits: QuotaLimits): Promise<void> {
    const columns = {
      max_machines: limits.maxMachines,
      max_vcpus: limits.maxVcpus,
      max_memory_mib: limits.maxMemoryMib,
    };
    await this.#database.write((trx) =>
      trx
        .insertInto('customers')
        .values({ id: customerId, ...columns })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(columns))
        .execute(),
    );
  }

  async update(
    id: MachineId,
    update: MachineUpdate,
    events: readonly MachineEvent[],
  ): Promise<Machine | undefined> {
    const row = await this.#database.write(async (trx) => {
      const present = await this.#lockMachine(trx, id);
      return present && (await this.#apply(trx, present, { update, events }));
    });
    if (row === undefined) return undefined;
    if (events.length > 0) this.#eventSignal.notify();
    return rowToMachine(row);
  }

  async remove(
    id: MachineId,
    events: readonly MachineEvent[],
    done: { readonly intents: readonly IntentId[]; readonly outcome: IntentOutcome; at: number },
  ): Promise<void> {
    await this.#database.write(async (trx) => {
      const row = await this.#lockMachine(trx, id);
      await intents.endIntents(trx, done.intents, done);
      await intents.endRemaining(trx, id, done.at);
      if (row === undefined) return;
      await trx.deleteFrom('address_leases').where('machine_id', '=', id).execute();
      await trx.deleteFrom('machines').where('id', '=', id).execute();
      const by = negative(specToUsage(rowToMachine(row).spec));
      await changeCounts(trx, [{ customerId: row.customer_id, state: row.state, by }]);
      await this.#append(trx, events);
    });
    if (events.length > 0) this.#eventSignal.notify();
  }

  async addIntent(intent: MachineIntent, mostPending: number): Promise<void> {
    await this.#database.write(async (trx) => {
      const row = await this.#lockMachine(trx, intent.machineId);
      if (row === undefined) throw intents.machineGoneError(intent.machineId);
      await intents.addIntent(trx, intent, mostPending);
    });
  }

  async getIntent(id: IntentId): Promise<MachineIntent | undefined> {
    return await this.#database.read((db) => this.#intents.get(db, id));
  }

  async pendingIntents(hostId: HostId, limit: number): Promise<readonly MachineIntent[]> {
    return await this.#database.read((db) => this.#intents.pendingOfHost(db, hostId, limit));
  }

  async pendingIntentsOf(machineId: MachineId): Promise<readonly MachineIntent[]> {
    return await this.#database.read((db) => this.#intents.pendingOfMachine(db, machineId));
  }

  async startIntent(id: IntentId, startedAt: number): Promise<boolean> {
    return await this.#database.write((trx) => intents.startIntent(trx, id, startedAt));
  }

  async cancelIntent(id: IntentId, at: number, outcome: IntentOutcome): Promise<void> {
    await this.#database.write((trx) => intents.cancelIntent(trx, id, { at, outcome }));
  }

  async finishIntent(
    id: IntentId,
    outcome: IntentOutcome,
    change: {
      readonly machineId: MachineId;
      readonly update: MachineUpdate;
      readonly events: readonly MachineEvent[];
    },
  ): Promise<void> {
    const { machineId, update } = change;
    const row = await this.#database.write(async (trx) => {
      const present = await this.#lockMachine(trx, machineId);
      const ended = await intents.endIntents(trx, [id], { at: update.updatedAt, outcome });
      // Told again after an answer that was lost: what came of it is written already.
      if (ended === 0) return undefined;
      return present && (await this.#apply(trx, present, change));
    });
    if (row !== undefined && change.events.length > 0) this.#eventSignal.notify();
  }

  async pruneIntents(olderThan: number, limit: number): Promise<number> {
    return await this.#database.write((trx) => intents.pruneIntents(trx, olderThan, limit));
  }

  async #apply(
    trx: Transaction<Schema>,
    present: MachineRow,
    change: { readonly update: MachineUpdate; readonly events: readonly MachineEvent[] },
  ): Promise<MachineRow> {
    const columns = updateToColumns(change.update);
    await trx.updateTable('machines').set(columns).where('id', '=', present.id).execute();
    const changed = await this.#load(trx, present.id);
    if (changed === undefined) throw new Error(`machine ${present.id} left its own transaction`);
    if (changed.state !== present.state) {
      const by = specToUsage(rowToMachine(changed).spec);
      const customerId = changed.customer_id;
      await changeCounts(trx, [
        { customerId, state: present.state, by: negative(by) },
        { customerId, state: changed.state, by },
      ]);
    }
    await this.#append(trx, change.events);
    return changed;
  }

  async #append(trx: Transaction<Schema>, events: readonly MachineEvent[]): Promise<void> {
    await appendEvents(trx, this.#database.dialect, { at: this.#clock.nowMs(), events });
  }

  async #load(trx: Transaction<Schema>, id: string): Promise<MachineRow | undefined> {
    return await trx.selectFrom('machines').selectAll().where('id', '=', id).executeTakeFirst();
  }

  async #lockMachine(trx: Transaction<Schema>, id: MachineId): Promise<MachineRow | undefined> {
    const query = trx.selectFrom('machines').selectAll().where('id', '=', id);
    const { supportsRowLocks } = this.#database.dialect;
    return await (supportsRowLocks ? query.forUpdate() : query).executeTakeFirst();
  }

  /** One create of a customer at a time, or two could both see room for the last machine. */
  async #lockCustomer(trx: Transaction<Schema>, id: CustomerId): Promise<QuotaLimits | undefined> {
    await trx
      .insertInto('customers')
      .values({ id, max_machines: null, max_vcpus: null, max_memory_mib: null })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
    const query = trx.selectFrom('customers').selectAll().where('id', '=', id);
    const { supportsRowLocks } = this.#database.dialect;
    return limitsOf(await (supportsRowLocks ? query.forUpdate() : query).executeTakeFirst());
  }
}

/** All three are set together, or none is. */
function limitsOf(row: Selectable<CustomerTable> | undefined): QuotaLimits | undefined {
  const maxMachines = row?.max_machines ?? undefined;
  const maxVcpus = row?.max_vcpus ?? undefined;
  const maxMemoryMib = row?.max_memory_mib ?? undefined;
  if (maxMachines === undefined || maxVcpus === undefined) return undefined;
  return maxMemoryMib === undefined ? undefined : { maxMachines, maxVcpus, maxMemoryMib };
}

function negative({ machines, vcpus, memoryMib }: Usage): Usage {
  return { machines: -machines, vcpus: -vcpus, memoryMib: -memoryMib };
}

function machineExistsError(id: MachineId): DroverError {
  return new DroverError('already_exists', `VM ${id} exists already; choose another vm_id`, {
    reason: 'VM_ALREADY_EXISTS',
    metadata: { vm_id: id },
  });
}
