/** Thresholds over a table that a test fills, on a database of their own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ThresholdEvent } from '#events/event.ts';
import type { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { MetricFamily } from '#metrics/metric-family.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { parseRule } from '#metrics/thresholds/parse-rule.ts';
import type { RuleDefinition } from '#metrics/thresholds/rule.ts';
import type { RuleStore } from '#metrics/thresholds/rule-store.ts';
import {
  openThresholds,
  type Thresholds,
  type ThresholdsOptions,
} from '#metrics/thresholds/thresholds.ts';
import { openStoresAt, type OpenStores } from '#test/contract/databases.ts';

export const TEMPERATURE: MetricFamily = {
  name: 'room_temperature_celsius',
  help: 'How warm it is.',
  kind: 'gauge',
  scale: 1,
};

const COLLECTOR_SUCCESS: MetricFamily = {
  name: 'node_scrape_collector_success',
  help: 'Whether it worked.',
  kind: 'gauge',
  scale: 0,
};

/** Warmer than 30 is too warm. */
export function warmRule(fields: object = {}): RuleDefinition {
  const rule = { name: 'warm', metric: TEMPERATURE.name, comparison: '>', value: 30 };
  return parseRule({ ...rule, ...fields });
}

/** A room's labels as text, with its temperature; undefined is a sensor that is not there. */
export type Rooms = Readonly<Record<string, number | undefined>>;

export interface TickOptions {
  readonly seconds?: number;
  /** Whether each collector works. */
  readonly collectors?: Readonly<Record<string, boolean>>;
}

export class ThresholdWorld implements AsyncDisposable {
  readonly stores: OpenStores;
  readonly clock: FakeClock;
  readonly metrics: MetricsRegistry;
  readonly table: SampleTable;
  readonly thresholds: Thresholds;
  readonly #closing: AsyncDisposableStack;

  constructor(
    parts: Pick<ThresholdWorld, 'stores' | 'table' | 'thresholds' | 'metrics'>,
    closing: AsyncDisposableStack,
  ) {
    this.stores = parts.stores;
    this.clock = parts.stores.clock;
    this.metrics = parts.metrics;
    this.table = parts.table;
    this.thresholds = parts.thresholds;
    this.#closing = closing;
  }

  /** One sample a second, of rooms such as `{ 'room=a': 21.5 }`. */
  async tick(rooms: Rooms, { seconds = 1, collectors = {} }: TickOptions = {}): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      await this.clock.advance(1000);
      for (const [labels, value] of Object.entries(rooms)) {
        if (value === undefined) continue;
        const series = this.table.family(TEMPERATURE).series(textToLabels(labels));
        series.set(Math.round(value * 10));
      }
      for (const [collector, works] of Object.entries(collectors)) {
        this.table
          .family(COLLECTOR_SUCCESS)
          .series({ collector })
          .set(works ? 1 : 0);
      }
      this.table.endTick();
      const { clock } = this;
      const tick = { atMs: clock.nowMs(), monotonicMs: clock.monotonicMs(), intervalMs: 1000 };
      this.thresholds.onTick({ ...tick, readings: {} });
    }
    await this.thresholds.idle();
  }

  /** Room or other label, kind and value, as they were told. */
  async told(): Promise<string[]> {
    return (await this.events()).map(({ kind, labels, currentValue }) => {
      const where = labels['room'] ?? labels['machine_id'] ?? labels['server'] ?? '';
      return `${kind.slice('threshold.'.length)} ${where} ${currentValue ?? '-'}`;
    });
  }

  async events(): Promise<readonly ThresholdEvent[]> {
    const recorded = await this.stores.events.read({ afterId: 0, limit: 1000 });
    return recorded.map(({ event }) => event as ThresholdEvent);
  }

  alerts(): string[] {
    const views = this.thresholds.states({ customerId: undefined });
    return views
      .map(({ series, kind, value }) => `${kind} ${series.key} ${value ?? '-'}`)
      .toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closing[Symbol.asyncDispose]();
  }
}

type Given = Partial<Omit<ThresholdsOptions, 'store' | 'silences' | 'shared'>>;

export interface WorldOptions extends Given {
  /** Of a world before; a new one otherwise. */
  readonly url?: string;
  /** How far the world's clock is ahead of the first one's. */
  readonly aheadMs?: number;
  readonly wrapStore?: (store: RuleStore) => RuleStore;
  /** Servers of which one of several worlds on a database tells for all. */
  readonly servers?: () => readonly string[] | undefined;
}

export async function openWorld(options: WorldOptions = {}): Promise<ThresholdWorld> {
  const { url, aheadMs = 0, wrapStore = (store) => store, servers, ...given } = options;
  const identity = given.identity ?? { instanceId: 'host-1', accountId: 'acme' };
  await using stack = new AsyncDisposableStack();
  const stores = stack.use(await openStoresAt(url ?? (await createFile(stack))));
  stores.clock.jumpWallClock(aheadMs);
  const table = new SampleTable();
  const metrics = new MetricsRegistry();
  const thresholds = stack.use(
    await openThresholds({
      table,
      ...{ store: wrapStore(stores.rules), silences: stores.rules },
      clock: stores.clock,
      log: silentLog,
      metrics,
      defaults: [],
      configRules: [warmRule()],
      ...given,
      identity,
      ...(servers !== undefined && {
        shared: { store: stores.tellers, holder: identity.instanceId, servers },
      }),
    }),
  );
  return new ThresholdWorld({ stores, table, thresholds, metrics }, stack.move());
}

async function createFile(stack: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-thresholds-'));
  stack.defer(() => rm(directory, { recursive: true }));
  return `sqlite:${join(directory, 'rules.db')}`;
}

function textToLabels(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => pair.split('='));
  return Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value]));
}
