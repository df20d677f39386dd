/** The port to where rules and the states of alerts are kept. */
import type { ThresholdEvent } from '#events/event.ts';
import type { CustomerId } from '#kernel/ids.ts';
import type { Labels } from '#metrics/labels.ts';
import type { RuleDefinition, RuleId } from './rule.ts';
import type { Tenure } from './teller-store.ts';

export interface StoredRule {
  readonly id: RuleId;
  /** Undefined: the operator's. */
  readonly customerId: CustomerId | undefined;
  readonly definition: RuleDefinition;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Grows with every change of it. */
  readonly version: number;
}

/** Which state is meant: what one process measures, by one rule, of one series. */
export interface StateKey {
  readonly instanceId: string;
  readonly ruleId: RuleId;
  readonly labels: Labels;
  /** It is written only as long as this lasts; not part of what is stored. */
  readonly tenure?: Tenure | undefined;
}

export interface StoredState extends StateKey {
  readonly kind: 'pending' | 'firing' | 'resolved';
  /** What the rule asked about; the state means nothing to a rule that asks about another thing. */
  readonly subject: string;
  readonly sinceMs: number;
  readonly heldMs: number;
  readonly noticedAt: number | undefined;
  readonly savedAt: number;
  /** Names the transition that led here: one that is written twice is known by it. */
  readonly transitionId: string;
  /** What was told when it began to fire. */
  readonly violated: ThresholdEvent | undefined;
  /** Collectors that were failing when the series was seen last. */
  readonly failingCollectors: readonly string[];
}

export interface StateTransition {
  readonly state: StoredState;
  readonly event: ThresholdEvent;
}

export interface RuleStore {
  list(): Promise<{ readonly revision: number; readonly rules: readonly StoredRule[] }>;
  /** Grows with every change of any rule, by whatever process. */
  revision(): Promise<number>;
  /**
   * Refuses a name the owner has in use, and more than `mostPerOwner` rules. Answers the revision,
   * as the other changes do.
   */
  insert(rule: StoredRule, mostPerOwner: number): Promise<number>;
  /** Refuses with `aborted` when the stored version is not the one before the given one. */
  update(rule: StoredRule): Promise<number>;
  /** Also when there is none. */
  remove(id: RuleId): Promise<number>;

  states(instanceId: string): Promise<readonly StoredState[]>;
  /**
   * States and events in one transaction. What was written before is not written again, and
   * nothing of a tenure that is over.
   */
  commit(transitions: readonly StateTransition[]): Promise<void>;
  /** Without telling anybody: how far pending ones are, and which need not be kept any more. */
  save(states: readonly StoredState[], forgotten: readonly StateKey[]): Promise<void>;
}
