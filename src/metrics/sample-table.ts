/**
 * The newest sample of every series this process measures: what collectors write and everything
 * else (exposition, history, thresholds, remote write) reads.
 *
 *   collector → series.set(1234) → [end of tick] → value 1234
 *   collector does not set it    → [end of tick] → value NaN: absent, whatever the reason
 *   absent for FORGET_TICKS      → the series leaves the table; setting it brings it back
 *
 * Collectors keep the LiveSeries they were given: a sample then costs two assignments.
 */
import { createLabels, labelsToText, seriesKey, type Labels } from './labels.ts';
import type { MetricFamily } from './metric-family.ts';

export interface SampleTableOptions {
  /** More series than this are refused, so that no host, however odd, can fill the memory. */
  readonly maxSeries?: number;
  /** Told of each family whose first series is refused, once. */
  readonly onRefused?: (family: MetricFamily) => void;
}

const DEFAULT_MAX_SERIES = 20_000;
const FORGET_TICKS = 60;

export class LiveSeries {
  readonly family: MetricFamily;
  readonly labels: Labels;
  /** `name{a="1"}` */
  readonly key: string;
  /** As of the last tick that ended: a whole number at the family's scale, NaN when absent. */
  value = NaN;
  /** For whoever reads the table to hang something of its own on, found without a lookup. */
  slot = -1;
  #table: SampleTable;
  #pending = NaN;
  #setInTick = -1;

  constructor(table: SampleTable, family: MetricFamily, labels: Labels) {
    this.#table = table;
    this.family = family;
    this.labels = labels;
    this.key = seriesKey(family.name, labels);
  }

  /** In this tick. Anything but a whole number below 2^53 leaves the series absent. */
  set(sample: number): void {
    if (!Number.isSafeInteger(sample)) return;
    const tick = this.#table.tick;
    // One that was absent may have left the table meanwhile.
    if (this.#setInTick < tick - 1 && !this.#table.admit(this)) return;
    this.#setInTick = tick;
    // No negative zero: it would be printed as `-0`.
    this.#pending = sample === 0 ? 0 : sample;
  }

  /** For the table alone: the tick ends. Answers for how many ticks the series was absent. */
  settle(tick: number): number {
    this.value = this.#setInTick === tick ? this.#pending : NaN;
    return tick - this.#setInTick;
  }
}

/** The series of one metric. */
export class LiveFamily {
  readonly family: MetricFamily;
  /** Those in the table now, in the order they came. */
  readonly members = new Map<string, LiveSeries>();
  readonly #table: SampleTable;

  constructor(table: SampleTable, family: MetricFamily) {
    this.#table = table;
    this.family = family;
  }

  /** The series with these labels; keep it, and `set` it once in every tick. */
  series(labels: Readonly<Record<string, string>> = {}): LiveSeries {
    const sorted = createLabels(Object.entries(labels));
    const known = this.members.get(labelsToText(sorted));
    return known ?? new LiveSeries(this.#table, this.family, sorted);
  }
}

export class SampleTable {
  readonly #families = new Map<string, LiveFamily>();
  readonly #maxSeries: number;
  readonly #onRefused: (family: MetricFamily) => void;
  readonly #refusedFamilies = new Set<string>();
  #seriesCount = 0;
  #refusals = 0;
  #tick = 1;
  #membership = 0;

  constructor(options: SampleTableOptions = {}) {
    this.#maxSeries = options.maxSeries ?? DEFAULT_MAX_SERIES;
    this.#onRefused = options.onRefused ?? (() => undefined);
  }

  /** Counts ticks from 1; the current one takes samples until `endTick`. */
  get tick(): number {
    return this.#tick;
  }

  /** Grows whenever a series comes or goes: while it stands still, lists of them stay true. */
  get membership(): number {
    return this.#membership;
  }

  get seriesCount(): number {
    return this.#seriesCount;
  }

  get maxSeries(): number {
    return this.#maxSeries;
  }

  /** How often a series was turned away because the table is full. */
  get refusals(): number {
    return this.#refusals;
  }

  /** The same declaration again answers the same family. */
  family(family: MetricFamily): LiveFamily {
    const known = this.#families.get(family.name);
    if (known === undefined) {
      const made = new LiveFamily(this, family);
      this.#families.set(family.name, made);
      return made;
    }
    const { kind, scale } = known.family;
    if (kind === family.kind && scale === family.scale) return known;
    throw new Error(`metric ${family.name} is declared twice, in two ways`);
  }

  /** Every family, also one without a series at present. */
  families(): Iterable<LiveFamily> {
    return this.#families.values();
  }

  find(name: string): LiveFamily | undefined {
    return this.#families.get(name);
  }

  /** For LiveSeries alone: takes it into the table, if there is room. */
  admit(series: LiveSeries): boolean {
    const family = this.#families.get(series.family.name);
    if (family === undefined) return false;
    const key = labelsToText(series.labels);
    const member = family.members.get(key);
    // A second object for one series would be written and never read.
    if (member !== undefined) return member === series;
    if (this.#seriesCount >= this.#maxSeries) {
      this.#refusals += 1;
      if (!this.#refusedFamilies.has(series.family.name)) {
        this.#refusedFamilies.add(series.family.name);
        this.#onRefused(series.family);
      }
      return false;
    }
    family.members.set(key, series);
    this.#seriesCount += 1;
    this.#membership += 1;
    return true;
  }

  /** What was set becomes the value; what was not becomes absent. */
  endTick(): void {
    for (const family of this.#families.values()) {
      for (const [key, series] of family.members) {
        if (series.settle(this.#tick) < FORGET_TICKS) continue;
        family.members.delete(key);
        this.#seriesCount -= 1;
        this.#membership += 1;
      }
    }
    this.#tick += 1;
  }
}
