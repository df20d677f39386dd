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

/** All that is kept of a look for the next one: with a thousand servers the rest adds up. */
export interface Earlier {
  readonly atMonotonicMs: number;
  /** By metric, of those that rates were asked of, and then by the values of the labels. */
  readonly counters: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

export interface SampleSetOptions {
  readonly atMonotonicMs: number;
  readonly before?: Earlier | undefined;
  /** Per second, where the source reckons them itself; none are made of two looks then. */
  readonly rates?: Iterable<Sample> | undefined;
}

const NONE: readonly Sample[] = [];

export class SampleSet {
  readonly atMonotonicMs: number;
  readonly #byName = new Map<string, Sample[]>();
  readonly #counters = new Map<string, ReadonlyMap<string, number>>();
  readonly #before: Earlier | undefined;
  readonly #toldRates: SampleSet | undefined;

  constructor(samples: Iterable<Sample>, { atMonotonicMs, before, rates }: SampleSetOptions) {
    this.atMonotonicMs = atMonotonicMs;
    this.#toldRates = rates === undefined ? undefined : new SampleSet(rates, { atMonotonicMs });
    this.#before = before;
    for (const sample of samples) {
      if (!Number.isFinite(sample.value)) continue;
      const known = this.#byName.get(sample.name);
      if (known === undefined) this.#byName.set(sample.name, [sample]);
      else known.push(sample);
    }
  }

  /** For the next look. */
  get earlier(): Earlier {
    return { atMonotonicMs: this.atMonotonicMs, counters: this.#counters };
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
    const now = new Map<string, number>();
    const samples = this.all(name);
    for (const { labels, value } of samples) now.set(keyOf(labels), value);
    this.#counters.set(name, now);
    const before = this.#before;
    const then = before?.counters.get(name);
    if (before === undefined || then === undefined) return [];
    const seconds = (this.atMonotonicMs - before.atMonotonicMs) / 1000;
    if (seconds <= 0) return [];
    return samples.flatMap(({ labels, value }) => {
      const earlier = then.get(keyOf(labels));
      if (earlier === undefined || value < earlier) return [];
      return [{ labels, rate: (value - earlier) / seconds }];
    });
  }

  ratesBy(label: string, name: string): ReadonlyMap<string, number> {
    return new Map(this.rates(name).map(({ labels, rate }) => [labels[label] ?? '', rate]));
  }
}

/** The same labels are mostly the same object from look to look. */
const keys = new WeakMap<Labels, string>();

function keyOf(labels: Labels): string {
  const known = keys.get(labels);
  if (known !== undefined) return known;
  const key = Object.values(labels).join('\0');
  keys.set(labels, key);
  return key;
}
