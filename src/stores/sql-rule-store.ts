/** Threshold rules and the states of alerts. */
import { createHash } from 'node:crypto';
import { sql, type Insertable, type Selectable, type Transaction } from 'kysely';
import type { EventSignal } from '#events/event-signal.ts';
import type { ThresholdEvent } from '#events/event.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { labelsToText, type Labels } from '#metrics/labels.ts';
import type { RuleDefinition, RuleId } from '#metrics/thresholds/rule.ts';
import type {
  RuleStore,
  StateKey,
  StateTransition,
  StoredRule,
  StoredState,
} from '#metrics/thresholds/rule-store.ts';
import type { Silence, SilenceStore } from '#metrics/thresholds/silence.ts';
import type { Database } from './database.ts';
import { appendEvents } from './event-writer.ts';
import { lockTenures } from './sql-teller-store.ts';
import { insertSilence, readSilences, removeSilence } from './silence-rows.ts';
import type { Schema, ThresholdRuleTable, ThresholdStateTable } from './schema.ts';

export interface RuleStoreParts {
  readonly database: Database;
  readonly eventSignal: EventSignal;
  readonly clock: Clock;
}

/** A row of the settings. Each change of a rule counts it up first, and so waits for the others. */
const REVISION = 'threshold_rules_revision';

export class SqlRuleStore implements RuleStore, SilenceStore {
  readonly #database: Database;
  readonly #eventSignal: EventSignal;
  readonly #clock: Clock;

  constructor({ database, eventSignal, clock }: RuleStoreParts) {
    this.#database = database;
    this.#eventSignal = eventSignal;
    this.#clock = clock;
  }

  async list(): Promise<{ readonly revision: number; readonly rules: readonly StoredRule[] }> {
    // The revision first: what is newer than it is then read again, and nothing is missed.
    const revision = await this.revision();
    const rows = await this.#database.read((db) =>
      db.selectFrom('threshold_rules').selectAll().orderBy('created_at').orderBy('id').execute(),
    );
    return { revision, rules: rows.map(rowToRule) };
  }

  async revision(): Promise<number> {
    const row = await this.#database.read((db) =>
      db.selectFrom('settings').select('value').where('name', '=', REVISION).executeTakeFirst(),
    );
    return Number(row?.value ?? 0);
  }

  async insert(rule: StoredRule, mostPerOwner: number): Promise<number> {
    const row = ruleToRow(rule);
    return await this.#change(row.name, async (trx) => {
      if (Number.isFinite(mostPerOwner)) await refuseTooMany(trx, row.customer_id, mostPerOwner);
      await trx.insertInto('threshold_rules').values(row).execute();
    });
  }

  async update(rule: StoredRule): Promise<number> {
    const { id, customer_id: _, created_at: __, ...changed } = ruleToRow(rule);
    return await this.#change(changed.name, async (trx) => {
      const { numUpdatedRows } = await trx
        .updateTable('threshold_rules')
        .set(changed)
        .where('id', '=', id)
        .where('version', '=', rule.version - 1)
        .executeTakeFirst();
      if (numUpdatedRows === 1n) return;
      throw new DroverError('aborted', 'the rule was changed meanwhile; read it and try again', {
        reason: 'RULE_CHANGED',
      });
    });
  }

  async remove(id: RuleId): Promise<number> {
    return await this.#change('', async (trx) => {
      await trx.deleteFrom('threshold_rules').where('id', '=', id).execute();
    });
  }

  async states(instanceId: string): Promise<readonly StoredState[]> {
    const rows = await this.#database.read((db) =>
      db
        .selectFrom('threshold_states')
        .selectAll()
        .where('instance_id', '=', instanceId)
        .orderBy('since_at')
        .execute(),
    );
    return rows.map(rowToState);
  }

  async commit(transitions: readonly StateTransition[]): Promise<void> {
    await this.#database.write(async (trx) => {
      const events: ThresholdEvent[] = [];
      const tenures = transitions.map(({ state }) => state.tenure);
      const lasts = await lockTenures(trx, this.#database.dialect, tenures);
      for (const { state, event } of transitions) {
        if (!lasts(state.tenure)) continue;
        // The answer to an earlier attempt may have been lost on its way, though it worked.
        if (await wasWritten(trx, state)) continue;
        await upsertState(trx, state);
        events.push(event);
      }
      await appendEvents(trx, this.#database.dialect, { at: this.#clock.nowMs(), events });
    });
    this.#eventSignal.notify();
  }

  async save(states: readonly StoredState[], forgotten: readonly StateKey[]): Promise<void> {
    await this.#database.write(async (trx) => {
      const tenures = [...states, ...forgotten].map(({ tenure }) => tenure);
      const lasts = await lockTenures(trx, this.#database.dialect, tenures);
      for (const key of forgotten) {
        if (!lasts(key.tenure)) continue;
        await trx
          .deleteFrom('threshold_states')
          .where('instance_id', '=', key.instanceId)
          .where('rule_id', '=', key.ruleId)
          .where('series_hash', '=', hashLabels(key.labels))
          .execute();
      }
      for (const state of states) {
        if (lasts(state.tenure)) await upsertState(trx, state);
      }
    });
  }

  async insertSilence(
    silence: Silence,
    limit: { readonly most: number; readonly nowMs: number },
  ): Promise<void> {
    await insertSilence(this.#database, silence, limit);
  }

  async silences(): Promise<readonly Silence[]> {
    return await readSilences(this.#database);
  }

  async removeSilence(id: string): Promise<boolean> {
    return await removeSilence(this.#database, id);
  }

  async #change(name: string, work: (trx: Transaction<Schema>) => Promise<void>): Promise<number> {
    return await this.#database.write(
      async (trx) => {
        const { value } = await trx
          .insertInto('settings')
          .values({ name: REVISION, value: '1' })
          .onConflict((conflict) =>
            conflict.column('name').doUpdateSet({
              value: sql<string>`cast(cast(settings.value as bigint) + 1 as text)`,
            }),
          )
          .returning('value')
          .executeTakeFirstOrThrow();
        await work(trx);
        return Number(value);
      },
      { onTaken: (table) => (table === 'threshold_rules' ? nameTaken(name) : undefined) },
    );
  }
}

async function refuseTooMany(
  trx: Transaction<Schema>,
  customerId: string,
  most: number,
): Promise<void> {
  const { count } = await trx
    .selectFrom('threshold_rules')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('customer_id', '=', customerId)
    .executeTakeFirstOrThrow();
  if (Number(count) < most) return;
  throw new DroverError(
    'resource_exhausted',
    `there are ${count} rules already, and ${most} are the most; remove some first`,
    { reason: 'TOO_MANY_RULES', metadata: { limit: String(most) } },
  );
}

function nameTaken(name: string): DroverError {
  return new DroverError(
    'already_exists',
    `name: there is a rule ${name} already; choose another name, or change that rule`,
    { reason: 'RULE_EXISTS', metadata: { field: 'name' } },
  );
}

async function wasWritten(trx: Transaction<Schema>, state: StoredState): Promise<boolean> {
  const row = await trx
    .selectFrom('threshold_states')
    .select('transition_id')
    .where('instance_id', '=', state.instanceId)
    .where('rule_id', '=', state.ruleId)
    .where('series_hash', '=', hashLabels(state.labels))
    .executeTakeFirst();
  return row?.transition_id === state.transitionId;
}

async function upsertState(trx: Transaction<Schema>, state: StoredState): Promise<void> {
  const row = stateToRow(state);
  const { instance_id: _, rule_id: __, series_hash: ___, ...changed } = row;
  await trx
    .insertInto('threshold_states')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['instance_id', 'rule_id', 'series_hash']).doUpdateSet(changed),
    )
    .execute();
}

function hashLabels(labels: Labels): string {
  return createHash('sha256').update(labelsToText(labels)).digest('base64url');
}

function ruleToRow(rule: StoredRule): Insertable<ThresholdRuleTable> {
  return {
    id: rule.id,
    customer_id: rule.customerId ?? '',
    name: rule.definition.name,
    definition: JSON.stringify(rule.definition),
    created_at: rule.createdAt,
    updated_at: rule.updatedAt,
    version: rule.version,
  };
}

function rowToRule(row: Selectable<ThresholdRuleTable>): StoredRule {
  // What is undefined has no place in JSON and comes back as what it is: not there.
  const definition = JSON.parse(row.definition) as RuleDefinition;
  return {
    id: row.id as RuleId,
    customerId: row.customer_id === '' ? undefined : (row.customer_id as CustomerId),
    definition: { ...definition, repeatMs: definition.repeatMs },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
  };
}

function stateToRow(state: StoredState): Insertable<ThresholdStateTable> {
  const { violated, noticedAt } = state;
  return {
    instance_id: state.instanceId,
    rule_id: state.ruleId,
    series_hash: hashLabels(state.labels),
    labels: JSON.stringify(state.labels),
    kind: state.kind,
    subject: state.subject,
    since_at: state.sinceMs,
    // The monotonic clock counts parts of milliseconds.
    held_ms: Math.round(state.heldMs),
    noticed_at: noticedAt === undefined ? null : Math.round(noticedAt),
    saved_at: state.savedAt,
    transition_id: state.transitionId,
    violated: violated === undefined ? null : JSON.stringify(violated),
    failing_collectors: JSON.stringify(state.failingCollectors),
  };
}

function rowToState(row: Selectable<ThresholdStateTable>): StoredState {
  return {
    instanceId: row.instance_id,
    ruleId: row.rule_id as RuleId,
    labels: JSON.parse(row.labels) as Labels,
    kind: row.kind as StoredState['kind'],
    subject: row.subject,
    sinceMs: row.since_at,
    heldMs: row.held_ms,
    noticedAt: row.noticed_at ?? undefined,
    savedAt: row.saved_at,
    transitionId: row.transition_id,
    violated: row.violated === null ? undefined : (JSON.parse(row.violated) as ThresholdEvent),
    failingCollectors: JSON.parse(row.failing_collectors) as string[],
  };
}
