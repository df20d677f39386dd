/**
 * Threshold rules at work: looks at each sample and at expressions, keeps the alerts, and tells by
 * events, which are stored together with the states they tell of.
 */
import { createHash } from 'node:crypto';
import { openDeadline, untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, invalidArgument, toDroverError } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import type { Log } from '#kernel/log.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { SampleTable } from '#metrics/sample-table.ts';
import type { CompletedTick } from '#metrics/sampler.ts';
import { AlertTable, type AlertView, type Look } from './alert-table.ts';
import { ExpressionRules, type Evaluation, type InstantQuery } from './expression-rules.ts';
import { CollectorWatch } from './failing-collectors.ts';
import { MetricRules } from './metric-rules.ts';
import type { Rule, RuleDefinition, RuleId } from './rule.ts';
import { RuleBook } from './rule-book.ts';
import type { RuleStore, StoredState } from './rule-store.ts';
import { SilenceBook } from './silence-book.ts';
import type { SilenceStore } from './silence.ts';
import { StateWriter } from './state-writer.ts';
import type { MeasuredIdentity } from './threshold-event.ts';
import { serverOf, SHARED_INSTANCE, Tellers, isTenure, type SharedServers } from './tellers.ts';
import { createThresholdMetrics, type ThresholdMetrics } from './threshold-metrics.ts';

export interface ThresholdsOptions {
  readonly table: SampleTable;
  readonly store: RuleStore;
  readonly silences: SilenceStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  /** Without it, rules over expressions are refused, and say so where they are there already. */
  readonly query?: InstantQuery | undefined;
  readonly defaults: readonly RuleDefinition[];
  readonly configRules: readonly RuleDefinition[];
  /** The instance also names whose alerts these are, where several processes share a database. */
  readonly identity: MeasuredIdentity;
  readonly mostAlerts?: number;
  /** Servers of which one process tells for all; undefined: each tells of everything it sees. */
  readonly shared?: SharedServers | undefined;
}

export interface AlertFilter {
  /** Whose rules; undefined is the operator, who sees all. */
  readonly customerId: CustomerId | undefined;
  readonly ruleId?: RuleId | undefined;
  readonly kind?: AlertView['kind'] | undefined;
  readonly severity?: Rule['severity'] | undefined;
}

/** How it goes with a rule. */
export interface RuleHealth {
  /** `no_data`: there is nothing to compare, which is all right for what this host has not. */
  readonly kind: 'ok' | 'no_data' | 'error' | 'disabled';
  readonly seriesCount: number;
  readonly error: string | undefined;
}

const DEFAULT_MOST_ALERTS = 10_000;
const TIDY_EVERY_MS = 5000;
/** A step between two ticks counts for `for` up to so many times the interval. */
const LONGEST_STEP = 5;
/** Whoever does not hear of the end of this process finds it out. */
const LEAVE_MS = 1000;

export async function openThresholds(options: ThresholdsOptions): Promise<Thresholds> {
  const { store, clock, defaults, configRules, query, identity } = options;
  const check = async ({ subject }: RuleDefinition) => {
    if (subject.kind !== 'expression') return;
    if (query === undefined) throw noQueries();
    await query.check?.(subject.expression);
  };
  if (query !== undefined) await checkConfigRules(configRules, query);
  const rules = new RuleBook({ store, clock, defaults, configRules, check });
  await rules.refresh();
  const states = await store.states(identity.instanceId);
  const thresholds = new Thresholds(rules, options);
  await thresholds.silences.refresh();
  thresholds.restore(states);
  return thresholds;
}

export class Thresholds implements AsyncDisposable {
  readonly rules: RuleBook;
  readonly silences: SilenceBook;
  readonly #options: ThresholdsOptions;
  readonly #metrics: ThresholdMetrics;
  readonly #writer: StateWriter;
  readonly #alerts: AlertTable;
  readonly #metricRules: MetricRules;
  readonly #expressions: ExpressionRules;
  readonly #collectors: CollectorWatch;
  readonly #tellers: Tellers | undefined;
  #generation = -1;
  #looks = 0;
  #tidiedAtMs = -Infinity;
  #refreshing: Promise<void> | undefined;
  #hasRefused = false;
  /** So that a failure is logged when it begins and not every time. */
  readonly #failing = new Set<RuleId>();

  constructor(rules: RuleBook, options: ThresholdsOptions) {
    const { clock, log, metrics, store, table, identity, query } = options;
    this.rules = rules;
    this.silences = new SilenceBook(options.silences, clock);
    this.#options = options;
    this.#collectors = new CollectorWatch(table);
    this.#writer = new StateWriter({ store, clock, log });
    this.#tellers = createTellers(options);
    this.#alerts = new AlertTable({
      ...{ clock, writer: this.#writer, identity },
      mostAlerts: options.mostAlerts ?? DEFAULT_MOST_ALERTS,
      onRefused: (rule) => this.#refuse(rule),
      silenceOf: (rule, labels) => this.silences.find(rule, labels),
      standingOf: (labels) => this.#tellers?.standingOf(labels) ?? 'own',
    });
    this.#metricRules = new MetricRules(table, this.#alerts);
    this.#expressions = new ExpressionRules({
      ...{ clock, alerts: this.#alerts, query: query ?? REFUSING_QUERY },
      onEvaluated: (rule, outcome) => this.#note(rule, outcome),
    });
    this.#metrics = createThresholdMetrics(metrics, {
      views: () => this.#alerts.views(),
      waiting: () => this.#writer.waiting,
      toldServers: () => this.#tellers?.heldCount ?? 0,
    });
  }

  /** What was there before a restart; call once, before the first tick. */
  restore(states: readonly StoredState[]): void {
    this.#useRules();
    const isMine = ({ labels }: StoredState) =>
      this.#tellers === undefined || serverOf(labels) === undefined;
    this.#alerts.restore(states.filter(isMine));
  }

  /** For Sampler.onTick, after whatever keeps the samples that expressions read. */
  onTick(tick: CompletedTick): void {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    if (this.#generation !== this.rules.generation) this.#useRules();
    const look: Look = {
      atMs: tick.atMs,
      monotonicMs: tick.monotonicMs,
      longestStepMs: tick.intervalMs * LONGEST_STEP,
      number: (this.#looks += 1),
      failing: this.#collectors.read(),
    };
    this.#metricRules.evaluate(look);
    this.#expressions.poke(look);
    if (tick.monotonicMs - this.#tidiedAtMs >= TIDY_EVERY_MS) {
      this.#tidiedAtMs = tick.monotonicMs;
      this.#alerts.tidy();
      this.#refresh();
    } else if (this.#tellers?.isBehind === true) this.#refresh();
    this.#metrics.evaluated('metric', (clock.monotonicMs() - startedMs) / 1000);
  }

  /** Pending and firing ones of this process, in no particular order. */
  states(filter: AlertFilter): readonly AlertView[] {
    const { customerId, ruleId, kind, severity } = filter;
    const found: AlertView[] = [];
    for (const view of this.#alerts.views()) {
      if (customerId !== undefined && view.rule.customerId !== customerId) continue;
      if (ruleId !== undefined && view.rule.id !== ruleId) continue;
      if (kind !== undefined && view.kind !== kind) continue;
      if (severity !== undefined && view.rule.severity !== severity) continue;
      found.push(view);
    }
    return found;
  }

  healthOf(rule: Rule): RuleHealth {
    if (!rule.isEnabled) return { kind: 'disabled', seriesCount: 0, error: undefined };
    const evaluation = this.#expressions.evaluationOf(rule.id);
    const seriesCount = evaluation?.seriesCount ?? this.#metricRules.seriesCountOf(rule.id);
    const error = evaluation?.error;
    if (error !== undefined) return { kind: 'error', seriesCount, error };
    return { kind: seriesCount === 0 ? 'no_data' : 'ok', seriesCount, error };
  }

  /** Resolves when nothing decided so far is still on its way. */
  async idle(): Promise<void> {
    await this.#expressions.idle();
    await this.#refreshing;
    await this.#writer.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#expressions[Symbol.asyncDispose]();
    this.#alerts.tidy();
    await this.#refreshing;
    await this.#writer[Symbol.asyncDispose]();
    await this.#leave();
    this.#metrics[Symbol.dispose]();
  }

  #useRules(): void {
    this.#generation = this.rules.generation;
    const enabled = this.rules.rules.filter(({ isEnabled }) => isEnabled);
    this.#alerts.use(enabled);
    this.#metricRules.use(enabled);
    this.#expressions.use(enabled);
    // So that whoever switched a rule off is told at once that its alerts are over.
    this.#alerts.tidy();
  }

  /** What other processes changed; while the database is away, what is known holds. */
  #refresh(): void {
    if (this.#refreshing !== undefined) return;
    this.#refreshing = Promise.all([this.rules.refresh(), this.silences.refresh()])
      .then(() => this.#settle())
      .catch((thrown: unknown) => {
        this.#options.log.debug({ error: thrown }, 'the rules could not be read again');
      })
      .finally(() => {
        this.#refreshing = undefined;
      });
  }

  /** Finds out of which servers this process tells, and takes up what was told of them. */
  async #settle(): Promise<void> {
    const tellers = this.#tellers;
    const next = await tellers?.look(this.#alerts.servers());
    if (tellers === undefined || next === undefined) return;
    const changed = tellers.changesTo(next);
    const { isSettled } = tellers;
    const isMeant = ({ labels }: Pick<StoredState, 'labels'>) => {
      const server = serverOf(labels);
      return server !== undefined && (!isSettled || changed.has(server));
    };
    const { store, identity } = this.#options;
    const isChanged = changed.size > 0 || !isSettled;
    const own = isChanged ? await store.states(identity.instanceId) : [];
    const shared = isChanged ? await store.states(SHARED_INSTANCE) : [];
    // Nothing is judged between the one standing and the other.
    this.#alerts.renounce((labels) => isMeant({ labels }));
    tellers.settle(next);
    const isOwn = ({ labels }: StoredState) => tellers.standingOf(labels) === 'own';
    const isHeld = ({ labels }: StoredState) => isTenure(tellers.standingOf(labels));
    const mine = Map.groupBy(own.filter(isMeant), isOwn);
    for (const state of mine.get(false) ?? []) this.#writer.forget(state);
    this.#alerts.restore([...(mine.get(true) ?? []), ...shared.filter(isMeant).filter(isHeld)]);
  }

  /** So that the others need not find out that it is gone. */
  async #leave(): Promise<void> {
    if (this.#tellers === undefined || this.#writer.isFailing) return;
    const { clock, log } = this.#options;
    using deadline = openDeadline(clock, LEAVE_MS, 'to leave the telling to others');
    await untilAborted(this.#tellers.leave(), deadline.signal).catch((error: unknown) => {
      log.debug({ error }, 'others will find out that this process tells of nothing any more');
    });
  }

  #refuse(rule: Rule): void {
    this.#metrics.refused();
    if (this.#hasRefused) return;
    this.#hasRefused = true;
    const message = 'there is no room for more alerts; what crosses thresholds now is not told';
    this.#options.log.error({ rule: rule.name, alerts: this.#alerts.count }, message);
  }

  #note(rule: Rule, { durationMs, error }: Evaluation): void {
    this.#metrics.evaluated('expression', durationMs / 1000);
    if (error === undefined) {
      this.#failing.delete(rule.id);
      return;
    }
    this.#metrics.failed();
    if (this.#failing.has(rule.id)) return;
    this.#failing.add(rule.id);
    this.#options.log.warn({ rule: rule.name, error }, 'a rule cannot be evaluated');
  }
}

/** Rules of the database are the same for all; what ships and what the file says may differ. */
function createTellers({ shared, log, ...options }: ThresholdsOptions): Tellers | undefined {
  if (shared === undefined) return undefined;
  const { defaults, configRules } = options;
  const text = JSON.stringify([defaults, configRules]);
  const rules = createHash('sha256').update(text).digest('base64url');
  return new Tellers({ ...shared, log, rules });
}

/** A start that fails says where. Without a query none fails: the rule says why it is idle. */
async function checkConfigRules(
  rules: readonly RuleDefinition[],
  query: InstantQuery,
): Promise<void> {
  for (const { name, subject } of rules) {
    if (subject.kind !== 'expression') continue;
    try {
      await query.check?.(subject.expression);
    } catch (thrown) {
      throw invalidArgument(`the rule ${name} of the config file`, toDroverError(thrown).message);
    }
  }
}

function noQueries(): DroverError {
  return new DroverError(
    'failed_precondition',
    'expr: this server keeps no history and evaluates no expressions; use metric instead',
    { reason: 'NO_EXPRESSIONS', metadata: { field: 'expr' } },
  );
}

const REFUSING_QUERY: InstantQuery = { evaluate: () => Promise.reject(noQueries()) };
