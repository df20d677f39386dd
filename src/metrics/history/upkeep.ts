/**
 * What is done now and then, off the path of the samples: the coarsest tier is made, what has
 * outlived its time or its space is removed, a few packs in each transaction, and series of which
 * nothing is left are forgotten.
 */
import type { Clock } from '#kernel/clock.ts';
import type { HostId } from '#kernel/ids.ts';
import { DAY_MS } from '#kernel/units.ts';
import type { Head } from './head.ts';
import type { HistoryReport } from './history-report.ts';
import type { MetricStore, TierTotals } from './metric-store.ts';
import { Pacer } from './pacer.ts';
import { rollUpDay } from './quarter-roll-up.ts';
import type { TierState } from './tier-choice.ts';
import { MINUTE_TIER_MS, RESOLUTIONS, keptMs, type HistoryRetention } from './tiers.ts';
import type { Resolution } from './tiers.ts';

const PACKS_PER_REMOVAL = 16;
const SERIES_PER_REMOVAL = 500;
/** How much later than the newest sealed sample it may be at most, for what is too old. */
const MOST_AHEAD_MS = DAY_MS / 12;

export interface UpkeepOptions {
  readonly head: Head;
  readonly store: MetricStore;
  readonly hostId: HostId;
  readonly clock: Clock;
  readonly report: HistoryReport;
  readonly retention: HistoryRetention;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  #totals: readonly TierTotals[] = [];
  #rolledThroughMs: number;

  constructor(options: UpkeepOptions, rolledThroughMs: number) {
    this.#options = options;
    this.#rolledThroughMs = rolledThroughMs;
  }

  /** As of the last time this ran. */
  get totals(): readonly TierTotals[] {
    return this.#totals;
  }

  get tiers(): TierState {
    const oldestMs = new Map<Resolution, number>();
    for (const { resolution, oldestMs: oldest } of this.#totals) oldestMs.set(resolution, oldest);
    return { oldestMs, rolledThroughMs: this.#rolledThroughMs };
  }

  async refresh(): Promise<void> {
    const { store, hostId } = this.#options;
    this.#totals = await store.totals(hostId);
  }

  async run(signal: AbortSignal): Promise<void> {
    const pacer = new Pacer(this.#options.clock, signal);
    await this.refresh();
    await this.#rollUp(pacer);
    await this.#removeOld(pacer);
    await this.#removeSurplus(pacer);
    await this.#forgetSeries();
    await this.refresh();
  }

  async #rollUp(pacer: Pacer): Promise<void> {
    const { store, hostId, report, head } = this.#options;
    const minutes = this.#totals.find(({ resolution }) => resolution === MINUTE_TIER_MS);
    if (minutes === undefined || minutes.packs === 0) return;
    for (;;) {
      const firstDayMs = Math.floor(minutes.oldestMs / DAY_MS) * DAY_MS;
      const dayMs = Math.max(this.#rolledThroughMs, firstDayMs);
      const endMs = dayMs + DAY_MS;
      // A day is complete once something later has been sealed and nothing waits to be.
      if (minutes.newestMs < endMs || head.pending.length > 0) return;
      await rollUpDay({ store, hostId, report }, dayMs, pacer);
      this.#rolledThroughMs = endMs;
      await pacer.pause();
    }
  }

  async #removeOld(pacer: Pacer): Promise<void> {
    const { store, hostId, clock, retention } = this.#options;
    const newestMs = Math.max(...this.#totals.map((tier) => tier.newestMs));
    // A clock that is set years ahead by mistake must not cost the years before.
    const nowMs = Math.min(clock.nowMs(), newestMs + MOST_AHEAD_MS);
    for (const resolution of RESOLUTIONS) {
      const beforeMs = nowMs - keptMs(retention, resolution);
      const removal = { resolution, beforeMs, limit: PACKS_PER_REMOVAL };
      while ((await store.removePacks(hostId, removal)) === PACKS_PER_REMOVAL) await pacer.pause();
    }
  }

  async #removeSurplus(pacer: Pacer): Promise<void> {
    const { store, hostId, retention } = this.#options;
    for (;;) {
      await this.refresh();
      const sizeBytes = this.#totals.reduce((sum, tier) => sum + tier.sizeBytes, 0);
      if (sizeBytes <= retention.maxBytes) return;
      const finest = this.#totals.find(({ packs }) => packs > 0);
      if (finest === undefined) return;
      const { resolution } = finest;
      // Some more than its share at a time would be more than has to go.
      const perPack = Math.max(1, finest.sizeBytes / finest.packs);
      const surplus = Math.ceil((sizeBytes - retention.maxBytes) / perPack);
      const limit = Math.min(PACKS_PER_REMOVAL, surplus);
      await store.removePacks(hostId, { resolution, beforeMs: Infinity, limit });
      await pacer.pause();
    }
  }

  async #forgetSeries(): Promise<void> {
    const { store, hostId, head } = this.#options;
    await this.refresh();
    if (head.pending.length > 0) return;
    const oldestMs = Math.min(...this.#totals.map((tier) => tier.oldestMs));
    const gone = [...head.index.all()]
      .filter(({ endedAt, pins, chunks }) => {
        return endedAt !== undefined && endedAt < oldestMs && pins === 0 && chunks.length === 0;
      })
      .slice(0, SERIES_PER_REMOVAL);
    if (gone.length === 0) return;
    for (const series of gone) head.forget(series);
    await store.removeSeries(
      hostId,
      gone.filter(({ stored }) => stored !== undefined).map(({ id }) => id),
    );
  }
}
