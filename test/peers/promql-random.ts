/**
 * Expressions made up of everything there is, the same for the same seed. Left out is where no
 * answer is the right one: what ties, and labels made of values' last digits.
 */
const METRICS = [
  ...['node_load1', 'node_load5', 'up', 'http_requests_total', 'node_cpu_seconds_total'],
  ...['job_progress', 'temperature_celsius', 'gauge_one', 'gauge_two', 'steps', 'signed', 'zero'],
  ...['jittery_total', 'request_duration_seconds_bucket', 'node_uname_info'],
  'node_filesystem_avail_bytes',
];
const LABELS = [
  ...['instance', 'job', 'code', 'mode', 'cpu', 'method', 'le', 'handler', 'shape', 'sensor'],
];
const MATCHERS = [
  ...['', '', '', '{instance=~"alpha.*|web-1"}', '{job!="x"}', '{cpu="0"}', '{mode=~"i.*"}'],
  ...['{code!~"2.."}', '{job="backup"}'],
];
const SHIFTS = [
  ...['', '', '', '', ' offset 5m', ' offset -3m', ' @ end()', ' @ start()'],
  ' @ start() offset -10m',
];
const RANGES = ['30s', '1m', '2m', '5m', '7m30s', '20m', '1h'];
const RANGE_FUNCTIONS = [
  ...['rate', 'increase', 'delta', 'irate', 'idelta', 'deriv', 'changes', 'resets'],
  ...['avg_over_time', 'min_over_time', 'max_over_time', 'sum_over_time', 'count_over_time'],
  ...['last_over_time', 'present_over_time', 'stddev_over_time', 'stdvar_over_time'],
  'absent_over_time',
];
const AGGREGATIONS = ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'];
const ARITHMETIC = ['+', '-', '*', '/', '%', '^'];
const COMPARISONS = ['==', '!=', '<', '>', '<=', '>=', '> bool', '== bool'];
const NUMBERS = ['0', '1', '2.5', '-3', '0.5', '10', 'NaN', 'Inf'];
const MAX_LENGTH = 600;

class QueryMaker {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  vector(depth: number): string {
    if (depth <= 0) return this.#selector() + this.#pick(SHIFTS);
    const inner = () => this.vector(depth - 1);
    const kinds: readonly (() => string)[] = [
      () => this.#selector() + this.#pick(SHIFTS),
      () => `${this.#pick(RANGE_FUNCTIONS)}(${this.#range(depth - 1)})`,
      () => `quantile_over_time(${this.#pick(NUMBERS)}, ${this.#range(depth - 1)})`,
      () => `${this.#pick(AGGREGATIONS)} ${this.#grouping()} (${inner()})`,
      () => `quantile by (${this.#labels()}) (${this.#pick(['0.5', '0.9', '0'])}, ${inner()})`,
      () => `${inner()} ${this.#pick([...ARITHMETIC, ...COMPARISONS, 'atan2'])} ${inner()}`,
      () => `${inner()} ${this.#pick(['+', '*', '>', '> bool'])} ${this.#matching()}${inner()}`,
      () => `${inner()} ${this.#operator()} ${this.#scalar(depth - 1)}`,
      () => `${this.#scalar(depth - 1)} ${this.#operator()} ${inner()}`,
      () => `${inner()} ${this.#pick(['and', 'or', 'unless'])} ${this.#setMatching()}${inner()}`,
      () => `${this.#pick(['abs', 'ceil', 'sqrt', 'ln', 'sgn', 'sort', 'timestamp'])}(${inner()})`,
      () => `absent(${inner()})`,
      () => `clamp(${inner()}, ${this.#pick(NUMBERS)}, ${this.#pick(NUMBERS)})`,
      () => `round(${inner()}, ${this.#pick(['0.5', '10', '2'])})`,
      () => `histogram_quantile(${this.#pick(['0.5', '0.99'])}, ${inner()})`,
      () => `label_replace(${inner()}, "job", "$1-x", "instance", "(.*):.*")`,
      () => `label_join(${inner()}, "new", "_", "job", "instance")`,
      () => `-${inner()}`,
      () => `(${inner()})`,
      () => `vector(${this.#scalar(depth - 1)})`,
    ];
    return this.#pick(kinds)();
  }

  /** From 0 up to, not with, `below`. */
  below(below: number): number {
    this.#state = (this.#state * 16_807) % 2_147_483_647;
    return this.#state % below;
  }

  #pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new Error('there is nothing to choose from');
    return choice;
  }

  #selector(): string {
    return this.#pick(METRICS) + this.#pick(MATCHERS);
  }

  #range(depth: number): string {
    const shift = this.#pick(SHIFTS);
    if (depth <= 0 || this.below(3) > 0)
      return `${this.#selector()}[${this.#pick(RANGES)}]${shift}`;
    const steps = `${this.#pick(['10m', '20m'])}:${this.#pick(['', '1m', '90s', '37s'])}`;
    return `(${this.vector(depth - 1)})[${steps}]${shift}`;
  }

  #scalar(depth: number): string {
    if (depth <= 0 || this.below(5) < 3) return this.#pick(NUMBERS);
    const inner = () => this.#scalar(depth - 1);
    const kinds: readonly (() => string)[] = [
      () => `scalar(${this.vector(depth - 1)})`,
      () => 'time()',
      () => `(${inner()} ${this.#pick(ARITHMETIC)} ${inner()})`,
      () => `(${inner()} ${this.#pick(['==', '<', '>='])} bool ${inner()})`,
    ];
    return this.#pick(kinds)();
  }

  #operator(): string {
    return this.#pick([...ARITHMETIC, ...COMPARISONS]);
  }

  #labels(): string {
    const count = this.below(3);
    return [...new Set(Array.from({ length: count }, () => this.#pick(LABELS)))].join(', ');
  }

  #grouping(): string {
    return `${this.#pick(['by', 'without'])} (${this.#labels()})`;
  }

  #matching(): string {
    const side = this.#pick(['', 'group_left ', 'group_right ', 'group_left(job) ']);
    return `${this.#pick(['on', 'ignoring'])}(${this.#labels()}) ${side}`;
  }

  #setMatching(): string {
    return this.below(3) === 0 ? '' : `${this.#pick(['on', 'ignoring'])}(${this.#labels()}) `;
  }
}

export function makeQueries(seed: number, count: number): readonly string[] {
  const maker = new QueryMaker(seed);
  const queries: string[] = [];
  while (queries.length < count) {
    const query = maker.vector(1 + maker.below(4));
    if (query.length <= MAX_LENGTH) queries.push(query);
  }
  return queries;
}
