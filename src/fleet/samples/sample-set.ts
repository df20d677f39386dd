/** The samples of one look at an exporter, by the name of their metric, and the look before. */
import type { Labels } from '#metrics/labels.ts';

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface Rated {
  readonly labels: Labels;
  /** Per second. */
  readonly rate: number;
}

export interface SampleSetOptions {
  readonly atMonotonicMs: number;
  readonly before?: SampleSet | undefined;
  /** Per second, where the source reckons them itself; none are made of two looks then. */
  readonly rates?: Iterable<Sample> | undefined;
}

const NONE: readonly Sample[] = [];

export class SampleSet {
  readonly atMonotonicMs: number;
  readonly #byName = new Map<string, Sample[]>();
  readonly #before: SampleSet | undefined;
  readonly #toldRates: SampleSet | undefined;

  constructor(samples: Iterable<Sample>, { atMonotonicMs, before, rates }: SampleSetOptions) {
    this.atMonotonicMs = atMonotonicMs;
    this.#toldRates = rates === undefined ? undefined : new SampleSet(rates, { atMonotonicMs });
    this.#before = before === undefined ? undefined : before.#alone();
    for (const sample of samples) {
      if (!Number.isFinite(sample.value)) continue;
      const known = this.#byName.get(sample.name);
      if (known === undefined) this.#byName.set(sample.name, [sample]);
      else known.push(sample);
    }
  }

  get isEmpty(): boolean {
    return this.#byName.size === 0;
  }

  all(name: string): readonly Sample[] {
    return this.#byName.get(name) ?? NONE;
  }

  /** Of the metric's first series, and of the first of the names that there is. */
  value(...names: readonly string[]): number | undefined {
    for (const name of names) {
      const [first] = this.all(name);
      if (first !== undefined) return first.value;
    }
    return undefined;
  }

  /** By the value of a label; the first of several wins. */
  by(label: string, name: string): ReadonlyMap<string, number> {
    const values = new Map<string, number>();
    for (const { labels, value } of this.all(name)) {
      const key = labels[label] ?? '';
      if (!values.has(key)) values.set(key, value);
    }
    return values;
  }

  /** Of counters since the look before; one that was reset, or is new, is left out. */
  rates(name: string): readonly Rated[] {
    if (this.#toldRates !== undefined) {
      return this.#toldRates.all(name).map(({ labels, value }) => ({ labels, rate: value }));
    }
    const before = this.#before;
    if (before === undefined) return [];
    const seconds = (this.atMonotonicMs - before.atMonotonicMs) / 1000;
    if (seconds <= 0) return [];
    const then = new Map(before.all(name).map(({ labels, value }) => [keyOf(labels), value]));
    return this.all(name).flatMap(({ labels, value }) => {
      const earlier = then.get(keyOf(labels));
      if (earlier === undefined || value < earlier) return [];
      return [{ labels, rate: (value - earlier) / seconds }];
    });
  }

  ratesBy(label: string, name: string): ReadonlyMap<string, number> {
    return new Map(this.rates(name).map(({ labels, rate }) => [labels[label] ?? '', rate]));
  }

  /** Without what was before it, so that no chain of looks is kept. */
  #alone(): SampleSet {
    const alone = new SampleSet([], { atMonotonicMs: this.atMonotonicMs });
    for (const [name, samples] of this.#byName) alone.#byName.set(name, samples);
    return alone;
  }
}

function keyOf(labels: Labels): string {
  return Object.values(labels).join('\0');
}
