/**
 * Rules over expressions. They are evaluated apart from the ticks, one at a time, each no more
 * often than it says and no longer than its deadline. One that fails leaves its alerts as they are.
 */
import { openDeadline, untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { createLabels, labelsToText, type Labels } from '#metrics/labels.ts';
import type { AlertTable, Look } from './alert-table.ts';
import type { Rule, RuleId } from './rule.ts';

export interface InstantValue {
  readonly labels: Labels;
  readonly value: number;
}

/** The port to whatever evaluates expressions. */
export interface InstantQuery {
  /**
   * The expression's value at the instant, one for each label set. With a customer it is evaluated
   * over that customer's series only, as if every selector asked for the label `customer_id`.
   */
  evaluate(
    expression: string,
    atMs: number,
    customerId: CustomerId | undefined,
    signal: AbortSignal,
  ): Promise<readonly InstantValue[]>;
  /** Rejects with `invalid_argument` for what could never be evaluated. */
  check?(expression: string): Promise<void>;
}

export interface ExpressionRulesParts {
  readonly query: InstantQuery;
  readonly clock: Clock;
  readonly alerts: AlertTable;
  readonly onEvaluated: (rule: Rule, outcome: Evaluation) => void;
}

export interface Evaluation {
  readonly durationMs: number;
  readonly seriesCount: number;
  /** For the owner of the rule; undefined when it went well. */
  readonly error: string | undefined;
}

interface ExpressionRule {
  readonly rule: Rule;
  readonly expression: string;
  readonly everyMs: number;
  /** Monotonic. */
  dueMs: number;
  evaluation: Evaluation | undefined;
}

const MOST_SERIES = 1000;
const DEADLINE_MS = 10_000;
const MOST_REST_MS = 1000;
/** A step between two evaluations counts for `for` up to so many times its due length. */
const LONGEST_STEP = 5;

export class ExpressionRules implements AsyncDisposable {
  readonly #parts: ExpressionRulesParts;
  readonly #stopping = new AbortController();
  #rules: readonly ExpressionRule[] = [];
  #running: Promise<void> | undefined;
  #look: Look | undefined;
  #looks = 0;

  constructor(parts: ExpressionRulesParts) {
    this.#parts = parts;
  }

  /** What is known of a rule that stays as it is, stays known. */
  use(rules: readonly Rule[]): void {
    const known = new Map(this.#rules.map((held) => [held.rule.id, held]));
    this.#rules = rules.flatMap((rule) => {
      if (rule.subject.kind !== 'expression') return [];
      const { expression, everyMs } = rule.subject;
      const before = known.get(rule.id);
      const isSame = before?.expression === expression && before.everyMs === everyMs;
      const dueMs = isSame ? before.dueMs : -Infinity;
      const evaluation = isSame ? before.evaluation : undefined;
      return { rule, expression, everyMs, dueMs, evaluation };
    });
  }

  evaluationOf(id: RuleId): Evaluation | undefined {
    return this.#rules.find(({ rule }) => rule.id === id)?.evaluation;
  }

  /** A tick is over: evaluates what is due, unless it is still at it. */
  poke(look: Look): void {
    this.#look = look;
    if (this.#running !== undefined || this.#stopping.signal.aborted) return;
    if (this.#nextDue() === undefined) return;
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when nothing is being evaluated. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** The one that waits longest, so that none starves. */
  #nextDue(): ExpressionRule | undefined {
    const nowMs = this.#parts.clock.monotonicMs();
    let next: ExpressionRule | undefined;
    for (const held of this.#rules) {
      if (held.dueMs <= nowMs && held.dueMs < (next?.dueMs ?? Infinity)) next = held;
    }
    return next;
  }

  async #work(): Promise<void> {
    for (;;) {
      const held = this.#nextDue();
      const look = this.#look;
      if (held === undefined || look === undefined || this.#stopping.signal.aborted) return;
      held.dueMs = this.#parts.clock.monotonicMs() + held.everyMs;
      await this.#evaluate(held, look);
      await this.#rest(held);
    }
  }

  /** However many rules there are, they take half of the time and leave the other. */
  async #rest({ evaluation }: ExpressionRule): Promise<void> {
    const restMs = Math.min(evaluation?.durationMs ?? 0, MOST_REST_MS);
    if (restMs <= 0) return;
    // Rejected when it is to stop, which is looked at next.
    await this.#parts.clock.sleep(restMs, this.#stopping.signal).catch(() => undefined);
  }

  async #evaluate(held: ExpressionRule, look: Look): Promise<void> {
    const { query, clock, onEvaluated } = this.#parts;
    const { rule, expression } = held;
    const startedMs = clock.monotonicMs();
    let values: readonly InstantValue[] = [];
    let error: string | undefined;
    {
      using deadline = openDeadline(clock, DEADLINE_MS, 'the expression', this.#stopping.signal);
      const { signal } = deadline;
      try {
        const answer = query.evaluate(expression, look.atMs, rule.customerId, signal);
        values = await untilAborted(answer, signal);
        if (values.length > MOST_SERIES) {
          error = `it answers ${values.length} series; ${MOST_SERIES} are the most for a rule`;
        }
      } catch (thrown) {
        error = toDroverError(thrown).message;
      }
    }
    // Whoever changed or removed the rule meanwhile does not want its answer.
    if (this.#stopping.signal.aborted || !this.#rules.includes(held)) return;
    const durationMs = clock.monotonicMs() - startedMs;
    held.evaluation = { durationMs, seriesCount: values.length, error };
    onEvaluated(rule, held.evaluation);
    if (error === undefined) this.#lookAt(held, values, look);
  }

  #lookAt({ rule, everyMs }: ExpressionRule, values: readonly InstantValue[], tick: Look): void {
    // Numbers of our own below those of the ticks, which count up from 0.
    this.#looks -= 1;
    const longestStepMs = Math.max(everyMs * LONGEST_STEP, tick.longestStepMs);
    const look: Look = { ...tick, number: this.#looks - 1, longestStepMs };
    const { alerts } = this.#parts;
    for (const { labels, value } of values) {
      if (Number.isNaN(value)) continue;
      const sorted = createLabels(Object.entries(labels));
      alerts.look(rule, { key: labelsToText(sorted), labels: sorted }, value, look);
    }
    alerts.endLook(rule, look);
  }
}
