/**
 * Answers queries in the language of Prometheus, over whatever keeps the samples. One query reads
 * first everything it needs, then evaluates; a few at a time do so, and others wait their turn.
 */
import { openDeadline, untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import type {
  LabelMatcher,
  MetricReader,
  SeriesPoints,
  SeriesSelection,
} from '#metrics/metric-reader.ts';
import { compareLabels, type Column, type Value } from './column.ts';
import { Evaluation, ROLLED_UP_LOOKBACK_MS, type EvaluationParts } from './evaluation.ts';
import { Pace } from './pace.ts';
import { parsePromql, type PreparedQuery } from './parse-promql.ts';
import { planSelections, type PlannedSelection, type QuerySpan } from './plan-selections.ts';
import { executionError, limitError } from './query-error.ts';
import type { InstantResult, RangeResult, ResultSeries } from './query-result.ts';
import type { Expression, SelectorNode } from './syntax-tree.ts';
import { TYPE_NAMES } from './type-checks.ts';

export interface PromqlLimits {
  /** Of one selector. */
  readonly maxSeries: number;
  /** Read from the store, by all selectors of a query together. */
  readonly maxSamples: number;
  /** Results and what lies between, of a query together: series times instants. */
  readonly maxCells: number;
  /** Instants of a range query. */
  readonly maxPoints: number;
  readonly timeoutMs: number;
  readonly maxConcurrent: number;
  readonly maxWaiting: number;
}

const DEFAULT_PROMQL_LIMITS: PromqlLimits = {
  maxSeries: 10_000,
  maxSamples: 10_000_000,
  maxCells: 20_000_000,
  maxPoints: 11_000,
  timeoutMs: 2 * MINUTE_MS,
  maxConcurrent: 2,
  maxWaiting: 64,
};

const DEFAULT_LOOKBACK_MS = 5 * MINUTE_MS;

export interface PromqlOptions {
  readonly reader: MetricReader;
  readonly clock: Clock;
  readonly lookbackMs?: number;
  readonly limits?: Partial<PromqlLimits>;
}

export interface QueryScope {
  /** Hold for every selector, whatever the query says. */
  readonly extraMatchers?: readonly LabelMatcher[];
  /** Shorter than the limit's. */
  readonly timeoutMs?: number;
}

export interface InstantRequest extends QueryScope {
  readonly atMs: number;
}

export interface RangeRequest extends QueryScope {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

export interface Promql {
  instant(
    query: string | PreparedQuery,
    request: InstantRequest,
    signal: AbortSignal,
  ): Promise<InstantResult>;
  range(
    query: string | PreparedQuery,
    request: RangeRequest,
    signal: AbortSignal,
  ): Promise<RangeResult>;
}

export function createPromql(options: PromqlOptions): Promql {
  return new Engine(options);
}

interface Run {
  readonly parts: EvaluationParts;
  readonly count: number;
}

class Engine implements Promql {
  readonly #reader: MetricReader;
  readonly #clock: Clock;
  readonly #lookbackMs: number;
  readonly #limits: PromqlLimits;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor({ reader, clock, lookbackMs, limits }: PromqlOptions) {
    this.#reader = reader;
    this.#clock = clock;
    this.#lookbackMs = lookbackMs ?? DEFAULT_LOOKBACK_MS;
    this.#limits = { ...DEFAULT_PROMQL_LIMITS, ...limits };
  }

  async instant(
    query: string | PreparedQuery,
    request: InstantRequest,
    signal: AbortSignal,
  ): Promise<InstantResult> {
    const { atMs } = request;
    const { expression, type } = typeof query === 'string' ? await parsePromql(query) : query;
    const span = { startMs: atMs, endMs: atMs, stepMs: 0 };
    return await this.#run({ expression, span, scope: request, signal }, async (run) => {
      if (type === 'matrix') return await instantMatrix(run, expression);
      const value = await evaluate(run, expression);
      return valueToInstant(value, atMs);
    });
  }

  async range(
    query: string | PreparedQuery,
    request: RangeRequest,
    signal: AbortSignal,
  ): Promise<RangeResult> {
    const { fromMs, toMs, stepMs } = request;
    const { expression, type } = typeof query === 'string' ? await parsePromql(query) : query;
    if (type !== 'scalar' && type !== 'vector') {
      const is = TYPE_NAMES[type];
      throw invalidArgument(
        'query',
        `over a range it must be a scalar or instant vector, not a ${is}`,
      );
    }
    if (!(stepMs > 0)) throw invalidArgument('step', 'must be above zero');
    if (!(toMs >= fromMs)) throw invalidArgument('end', 'must not be before start');
    const { maxPoints } = this.#limits;
    const steps = Math.floor((toMs - fromMs) / stepMs);
    if (steps > maxPoints) {
      const leastSeconds = Math.ceil((toMs - fromMs) / maxPoints / 1000);
      throw invalidArgument(
        'step',
        `exceeded maximum resolution of ${maxPoints} points per timeseries: these are ` +
          `${steps + 1}; a step of ${leastSeconds} s or more does`,
      );
    }
    const span = { startMs: fromMs, endMs: toMs, stepMs };
    return await this.#run({ expression, span, scope: request, signal }, async (run) => {
      const value = await evaluate(run, expression);
      return { series: valueToSeries(value, span) };
    });
  }

  async #run<T>(
    query: {
      readonly expression: Expression;
      readonly span: QuerySpan;
      readonly scope: QueryScope;
      readonly signal: AbortSignal;
    },
    act: (run: Run) => Promise<T>,
  ): Promise<T> {
    const { span, scope } = query;
    const limits = this.#limits;
    const timeoutMs = Math.min(scope.timeoutMs ?? limits.timeoutMs, limits.timeoutMs);
    using deadline = openDeadline(this.#clock, timeoutMs, 'the query', query.signal);
    const { signal } = deadline;
    await this.#enter(signal);
    try {
      signal.throwIfAborted();
      const samples = await this.#read(query.expression, { ...query, signal });
      const pace = new Pace({ clock: this.#clock, signal, maxCells: limits.maxCells });
      const parts = { pace, span, lookbackMs: this.#lookbackMs, samples };
      const count =
        span.stepMs === 0 ? 1 : Math.floor((span.endMs - span.startMs) / span.stepMs) + 1;
      return await act({ parts, count });
    } finally {
      this.#leave();
    }
  }

  /** A slot, or a place in the queue for one. */
  async #enter(signal: AbortSignal): Promise<void> {
    const { maxConcurrent, maxWaiting } = this.#limits;
    if (this.#running < maxConcurrent) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= maxWaiting) {
      throw limitError(`${this.#running + this.#waiting.length} queries are under way; try later`);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    try {
      await untilAborted(promise, signal);
    } catch (thrown) {
      const at = this.#waiting.indexOf(resolve);
      if (at !== -1) this.#waiting.splice(at, 1);
      // The slot may have come in the same moment; then it is somebody else's.
      else this.#leave();
      throw thrown;
    }
  }

  /** The slot goes to the next in the queue, and is only free when nobody waits. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }

  async #read(
    expression: Expression,
    query: { readonly span: QuerySpan; readonly scope: QueryScope; readonly signal: AbortSignal },
  ): Promise<ReadonlyMap<SelectorNode, readonly SeriesPoints[]>> {
    const { span, scope, signal } = query;
    const { maxSeries, maxSamples } = this.#limits;
    const extraMatchers = scope.extraMatchers ?? [];
    const lookbackMs = this.#lookbackMs;
    const found = new Map<SelectorNode, readonly SeriesPoints[]>();
    let samplesLeft = maxSamples;
    for (const planned of planSelections(expression, { span, lookbackMs, extraMatchers })) {
      const { selectors } = planned;
      const limits = { maxSeries, maxSamples: samplesLeft };
      const series = await this.#select(planned, limits, signal);
      // A store gives them in any order; ours is that of their labels, so that answers are equal.
      const ordered = series.toSorted((a, b) => compareLabels(a.labels, b.labels));
      for (const selector of selectors) found.set(selector, ordered);
      for (const { times } of series) samplesLeft -= times.length;
      signal.throwIfAborted();
    }
    return found;
  }

  async #select(
    { selectors: _, isLookBack, ...selection }: PlannedSelection,
    limits: Pick<SeriesSelection, 'maxSeries' | 'maxSamples'>,
    signal: AbortSignal,
  ): Promise<readonly SeriesPoints[]> {
    const series = await this.#reader.select({ ...selection, ...limits }, signal);
    const isRolledUp = series.some(({ counts }) => counts !== undefined);
    if (!isLookBack || (series.length > 0 && !isRolledUp)) return series;
    // Rolled-up points are further apart, and the one that matters may come before these.
    const fromMs = selection.fromMs - ROLLED_UP_LOOKBACK_MS;
    return await this.#reader.select({ ...selection, ...limits, fromMs }, signal);
  }
}

async function evaluate({ parts, count }: Run, expression: Expression): Promise<Value> {
  const { startMs, stepMs } = parts.span;
  return await new Evaluation(parts, { startMs, stepMs, count }).evaluate(expression);
}

/** The points of each window themselves. */
async function instantMatrix(run: Run, expression: Expression): Promise<InstantResult> {
  const { startMs } = run.parts.span;
  const evaluation = new Evaluation(run.parts, { startMs, stepMs: 0, count: 1 });
  const { series, context } = await evaluation.windows(expression);
  const endMs = context.endsMs[0] ?? NaN;
  const cut = series.map(({ labels, times, values }): ResultSeries => {
    const isWithin = (_: number, at: number) =>
      (times[at] ?? NaN) >= endMs - context.rangeMs && (times[at] ?? NaN) <= endMs;
    return { labels, times: times.filter(isWithin), values: values.filter(isWithin) };
  });
  return { kind: 'matrix', series: inOrder(cut.filter(({ times }) => times.length > 0)) };
}

function valueToInstant(value: Value, atMs: number): InstantResult {
  switch (value.kind) {
    case 'scalar':
      return { kind: 'scalar', atMs, value: value.values[0] ?? NaN };
    case 'string':
      return { kind: 'string', atMs, text: value.text };
    case 'vector': {
      const present = value.columns.filter((column) => column.present[0] === 1);
      const samples = present.map(({ labels, values }) => ({ labels, value: values[0] ?? NaN }));
      return { kind: 'vector', atMs, samples };
    }
  }
}

function valueToSeries(value: Value, { startMs, stepMs }: QuerySpan): readonly ResultSeries[] {
  if (value.kind === 'string') throw executionError('a string has no range');
  const columns: readonly Column[] =
    value.kind === 'vector'
      ? value.columns
      : [
          {
            labels: {},
            values: value.values,
            present: new Uint8Array(value.values.length).fill(1),
          },
        ];
  const series = columns.map(({ labels, values, present }): ResultSeries => {
    const isPresent = (_: number, step: number) => present[step] === 1;
    const times = values.map((_, step) => startMs + step * stepMs).filter(isPresent);
    return { labels, times, values: values.filter(isPresent) };
  });
  return inOrder(series.filter(({ times }) => times.length > 0));
}

function inOrder(series: readonly ResultSeries[]): readonly ResultSeries[] {
  return series.toSorted((a, b) => compareLabels(a.labels, b.labels));
}
