/**
 * Which collectors fail at present. A series that went missing when a collector began to fail is
 * not gone: nobody knows how it is.
 */
import type { SampleTable } from '#metrics/sample-table.ts';

export type FailingCollectors = ReadonlySet<string>;

const SUCCESS_METRIC = 'node_scrape_collector_success';

export class CollectorWatch {
  readonly #table: SampleTable;
  #failing: FailingCollectors = new Set();

  constructor(table: SampleTable) {
    this.#table = table;
  }

  /** As of the last tick; the same set again while nothing changes. */
  read(): FailingCollectors {
    const failing = new Set<string>();
    for (const series of this.#table.find(SUCCESS_METRIC)?.members.values() ?? []) {
      if (series.value === 0) failing.add(series.labels['collector'] ?? '');
    }
    const isSame = failing.size === this.#failing.size && failing.isSubsetOf(this.#failing);
    if (!isSame) this.#failing = failing;
    return this.#failing;
  }
}

/** Whether one fails that did not then. */
export function hasNewFailure(now: FailingCollectors, then: FailingCollectors): boolean {
  return now !== then && now.size > 0 && !now.isSubsetOf(then);
}
