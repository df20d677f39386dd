/**
 * Which rules hold: those that ship with Drover, over them what the API changed, over those what
 * the config file says; and those that the API made.
 */
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { randomHex } from '#kernel/random.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import type { Rule, RuleDefinition, RuleId } from './rule.ts';
import type { RuleStore, StoredRule } from './rule-store.ts';

export interface RuleBookParts {
  readonly store: RuleStore;
  readonly clock: Clock;
  readonly defaults: readonly RuleDefinition[];
  /** Of the config file, complete. */
  readonly configRules: readonly RuleDefinition[];
  /** Throws for what could never be evaluated. */
  readonly check: (definition: RuleDefinition) => Promise<void>;
}

/** Whose rules are meant: a customer's own; undefined is the operator, who sees all. */
export type RuleScope = CustomerId | undefined;

const MOST_RULES_PER_OWNER = 500;

export class RuleBook {
  readonly #parts: RuleBookParts;
  readonly #defaults: ReadonlyMap<string, RuleDefinition>;
  readonly #config: ReadonlyMap<string, RuleDefinition>;
  readonly #changes = new SerialQueue();
  #stored = new Map<RuleId, StoredRule>();
  #revision = -1;
  #rules: readonly Rule[] = [];
  #generation = 0;

  constructor(parts: RuleBookParts) {
    this.#parts = parts;
    this.#defaults = new Map(parts.defaults.map((rule) => [rule.name, rule]));
    this.#config = new Map(parts.configRules.map((rule) => [rule.name, rule]));
  }

  /** Grows whenever a rule changes. */
  get generation(): number {
    return this.#generation;
  }

  /** Every rule of everybody, in the order in which lists show them. */
  get rules(): readonly Rule[] {
    return this.#rules;
  }

  /** Reads what other processes changed, if they did. */
  async refresh(): Promise<void> {
    await this.#changes.run(async () => {
      if ((await this.#parts.store.revision()) !== this.#revision) await this.#load();
    });
  }

  list(scope: RuleScope): readonly Rule[] {
    if (scope === undefined) return this.#rules;
    return this.#rules.filter(({ customerId }) => customerId === scope);
  }

  /** By its id, or by the name of a rule of one's own. */
  get(idOrName: string, scope: RuleScope): Rule {
    const visible = this.list(scope);
    const found =
      visible.find(({ id }) => id === idOrName) ??
      visible.find(({ name, customerId }) => name === idOrName && customerId === scope);
    if (found !== undefined) return found;
    throw new DroverError('not_found', 'there is no such rule, or it is somebody else’s', {
      reason: 'RULE_NOT_FOUND',
    });
  }

  async create(definition: RuleDefinition, owner: RuleScope): Promise<Rule> {
    const { store, clock, check } = this.#parts;
    const { name } = definition;
    if (owner === undefined && (this.#defaults.has(name) || this.#config.has(name))) {
      const where = this.#config.has(name) ? 'in the config file' : 'and ships with Drover';
      throw new DroverError(
        'already_exists',
        `name: there is a rule ${name} already, ${where}; choose another name, or change that one`,
        { reason: 'RULE_EXISTS', metadata: { field: 'name' } },
      );
    }
    await check(definition);
    const id = `rule_${randomHex(8)}` as RuleId;
    const now = clock.nowMs();
    const rule = { id, customerId: owner, definition, version: 1, createdAt: now, updatedAt: now };
    await this.#changes.run(async () => {
      const revision = await store.insert(rule, MOST_RULES_PER_OWNER);
      await this.#accept(revision, () => this.#stored.set(id, rule));
    });
    return this.get(id, owner);
  }

  /** `change` makes the new definition out of the one there is. */
  async change(
    idOrName: string,
    scope: RuleScope,
    change: (present: Rule) => RuleDefinition,
  ): Promise<Rule> {
    const { store, clock, check } = this.#parts;
    return await this.#changes.run(async () => {
      const present = this.#changeable(idOrName, scope);
      const definition = change(present);
      if (present.source === 'default' && definition.name !== present.name) {
        throw new DroverError(
          'failed_precondition',
          `name: ${present.name} ships with Drover and keeps its name; make a rule of your own`,
          { reason: 'RULE_IS_SHIPPED', metadata: { field: 'name' } },
        );
      }
      await check(definition);
      const before = this.#stored.get(present.id);
      const now = clock.nowMs();
      const rule: StoredRule = {
        id: present.id,
        customerId: present.customerId,
        definition,
        createdAt: before?.createdAt ?? now,
        updatedAt: now,
        version: (before?.version ?? 0) + 1,
      };
      const revision =
        before === undefined ? await store.insert(rule, Infinity) : await store.update(rule);
      await this.#accept(revision, () => this.#stored.set(rule.id, rule));
      return this.get(rule.id, scope);
    });
  }

  /** One that ships with Drover and was changed is as it ships again. */
  async remove(idOrName: string, scope: RuleScope): Promise<Rule> {
    return await this.#changes.run(async () => {
      const present = this.#changeable(idOrName, scope);
      if (present.source === 'default' && !present.isOverridden) {
        throw new DroverError(
          'failed_precondition',
          `${present.name} ships with Drover and cannot be removed; disable it instead`,
          { reason: 'RULE_IS_SHIPPED' },
        );
      }
      const revision = await this.#parts.store.remove(present.id);
      await this.#accept(revision, () => this.#stored.delete(present.id));
      return present;
    });
  }

  #changeable(idOrName: string, scope: RuleScope): Rule {
    const rule = this.get(idOrName, scope);
    if (rule.source !== 'config') return rule;
    throw new DroverError(
      'failed_precondition',
      `${rule.name} lives in the config file, under rules; change it there and restart`,
      { reason: 'RULE_IN_CONFIG' },
    );
  }

  /** Where nobody else changed anything in between, what is known need not be read again. */
  async #accept(revision: number, apply: () => void): Promise<void> {
    if (revision !== this.#revision + 1) {
      await this.#load();
      return;
    }
    apply();
    this.#revision = revision;
    this.#compose();
  }

  async #load(): Promise<void> {
    const { revision, rules } = await this.#parts.store.list();
    this.#revision = revision;
    this.#stored = new Map(rules.map((rule) => [rule.id, rule]));
    this.#compose();
  }

  #compose(): void {
    const { defaults, configRules } = this.#parts;
    const rules: Rule[] = [];
    for (const definition of defaults) {
      if (this.#config.has(definition.name)) continue;
      const stored = this.#stored.get(definition.name as RuleId);
      rules.push(
        stored === undefined
          ? unstored(definition, { source: 'default', isOverridden: false })
          : storedToRule(stored, { source: 'default', isOverridden: true }),
      );
    }
    for (const definition of configRules) {
      const isOverridden = this.#defaults.has(definition.name);
      rules.push(unstored(definition, { source: 'config', isOverridden }));
    }
    rules.sort(({ name: a }, { name: b }) => (a < b ? -1 : 1));
    const stored = [...this.#stored.values()].filter(
      ({ customerId, definition: { name }, id }) =>
        customerId !== undefined || !(this.#config.has(name) || this.#defaults.has(id)),
    );
    stored.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
    for (const rule of stored) {
      rules.push(storedToRule(rule, { source: 'api', isOverridden: false }));
    }
    this.#rules = rules;
    this.#generation += 1;
  }
}

type Origin = Pick<Rule, 'source' | 'isOverridden'>;

function unstored(definition: RuleDefinition, origin: Origin): Rule {
  const id = definition.name as RuleId;
  const times = { createdAt: undefined, updatedAt: undefined };
  return { ...definition, ...origin, ...times, id, customerId: undefined };
}

function storedToRule(stored: StoredRule, origin: Origin): Rule {
  const { id, customerId, definition, createdAt, updatedAt } = stored;
  return { ...definition, ...origin, id, customerId, createdAt, updatedAt };
}
