/** Which series make which chart of a server. */
import type { History, HistorySeries } from '#web/api/history.ts';
import type { ChartSeries } from '#web/components/TimeChart.tsx';
import { CHART_UNITS, type ChartUnit } from '#web/format/chart-units.ts';
import { isKnown } from '#web/format/numbers.ts';
import { SERVER } from '#web/text/server.ts';

type Labels = Readonly<Record<string, string>>;

export interface ChartPlan {
  readonly title: string;
  readonly unit: ChartUnit;
  readonly isStacked?: boolean;
  /** By the name of the metric, what its series are called. */
  readonly lines: Readonly<Record<string, (labels: Labels) => string>>;
}

export interface PlannedChart {
  readonly plan: ChartPlan;
  readonly series: readonly ChartSeries[];
  /** How many there are; more than are drawn, where there are very many. */
  readonly all: number;
}

/** As many as can be told apart. */
const MOST_LINES = 6;
const { charts, series: words } = SERVER;
const of = (name: string) => `drover_server_${name}`;
const deviceOf = (word: (device: string) => string) => (labels: Labels) =>
  word(labels['device'] ?? '');
const gpuOf = ({ gpu = '' }: Labels) => words.gpu(gpu);

const CPU_MODES = of('cpu_mode_percent');
const CPU_USAGE = of('cpu_usage_percent');

export const SERVER_CHARTS: readonly ChartPlan[] = [
  {
    ...{ title: charts.cpu, unit: CHART_UNITS.percent, isStacked: true },
    lines: { [CPU_MODES]: ({ mode = '' }) => mode },
  },
  {
    ...{ title: charts.memory, unit: CHART_UNITS.bytes },
    lines: {
      [of('memory_used_bytes')]: () => words.used,
      [of('memory_total_bytes')]: () => words.total,
      [of('swap_used_bytes')]: () => words.swap,
    },
  },
  {
    ...{ title: charts.network, unit: CHART_UNITS.bits },
    lines: {
      [of('network_received_bytes_per_second')]: deviceOf(words.received),
      [of('network_sent_bytes_per_second')]: deviceOf(words.sent),
    },
  },
  {
    ...{ title: charts.disks, unit: CHART_UNITS.bytesPerSecond },
    lines: {
      [of('disk_read_bytes_per_second')]: deviceOf(words.read),
      [of('disk_written_bytes_per_second')]: deviceOf(words.written),
    },
  },
  {
    ...{ title: charts.gpu, unit: CHART_UNITS.percent },
    lines: { [of('gpu_usage_percent')]: gpuOf },
  },
  {
    ...{ title: charts.gpuMemory, unit: CHART_UNITS.percent },
    lines: { [of('gpu_memory_used_percent')]: gpuOf },
  },
  {
    ...{ title: charts.gpuPower, unit: CHART_UNITS.watts },
    lines: { [of('gpu_power_watts')]: gpuOf },
  },
  {
    ...{ title: charts.temperatures, unit: CHART_UNITS.celsius },
    lines: {
      [of('cpu_temperature_celsius')]: () => words.cpu,
      [of('gpu_temperature_celsius')]: gpuOf,
    },
  },
  {
    ...{ title: charts.pressure, unit: CHART_UNITS.share },
    lines: { [of('pressure_percent')]: ({ resource = '' }) => resource },
  },
  {
    ...{ title: charts.load, unit: CHART_UNITS.count },
    lines: { [of('load1')]: () => words.load },
  },
  {
    ...{ title: charts.busy, unit: CHART_UNITS.percent },
    lines: { [of('disk_busy_percent')]: ({ device = '' }) => device },
  },
  {
    ...{ title: charts.filesystems, unit: CHART_UNITS.percent },
    lines: { [of('filesystem_used_percent')]: ({ mountpoint = '' }) => mountpoint },
  },
  {
    ...{ title: charts.guests, unit: CHART_UNITS.count },
    lines: { [of('guests_running')]: () => words.running },
  },
  {
    ...{ title: charts.points, unit: CHART_UNITS.count },
    lines: { [of('qdrant_points')]: () => words.points },
  },
  {
    ...{ title: charts.response, unit: CHART_UNITS.seconds },
    lines: { [of('response_seconds')]: () => words.slowest },
  },
];

/** Without modes, the sum of them. */
const CPU_ALONE: ChartPlan = {
  ...{ title: charts.cpu, unit: CHART_UNITS.percent },
  lines: { [CPU_USAGE]: () => words.inUse },
};

/** Of this host alone: it is measured more finely than what is told of a server. */
export const HOST_CHARTS: readonly ChartPlan[] = [
  {
    ...{ title: charts.cpuCores, unit: CHART_UNITS.percent },
    lines: { drover_cpu_core_usage_percent: ({ cpu = '' }) => words.core(cpu) },
  },
  {
    ...{ title: charts.sensors, unit: CHART_UNITS.celsius },
    lines: {
      node_hwmon_temp_celsius: ({ chip = '', sensor = '' }) => `${chip} ${sensor}`,
    },
  },
];

export const SERVER_METRICS = [...metricsOf(SERVER_CHARTS), CPU_USAGE];
export const HOST_METRICS = metricsOf(HOST_CHARTS);

function metricsOf(plans: readonly ChartPlan[]): readonly string[] {
  return plans.flatMap(({ lines }) => Object.keys(lines));
}

/** Those of which something was measured, in their order. */
export function planCharts(history: History, plans: readonly ChartPlan[]): PlannedChart[] {
  const metrics = new Set(history.series.map(({ metric }) => metric));
  const hasModes = metrics.has(CPU_MODES);
  return plans.flatMap((wanted): readonly PlannedChart[] => {
    const isModes = CPU_MODES in wanted.lines;
    const plan = isModes && !hasModes ? CPU_ALONE : wanted;
    const found = history.series.flatMap((series) => lineOf(series, plan));
    if (found.length === 0) return [];
    const series = isModes && hasModes ? groupModes(found) : strongest(found);
    return [{ plan, series, all: isModes ? series.length : found.length }];
  });
}

function lineOf({ metric = '', labels, values }: HistorySeries, plan: ChartPlan): ChartSeries[] {
  const name = plan.lines[metric];
  return name === undefined ? [] : [{ label: name(labels), values }];
}

/** In an order that stays: what programs do first, and what nobody wants to see above it. */
const MODES: readonly string[] = ['user', 'system', 'iowait', 'steal'];

function groupModes(found: readonly ChartSeries[]): readonly ChartSeries[] {
  const named = MODES.flatMap((mode) => found.find(({ label }) => label === mode) ?? []);
  const rest = found.filter(({ label }) => !MODES.includes(label)).map(({ values }) => values);
  const [first] = rest;
  if (first === undefined) return named;
  const values = first.map((_none, at) => sumKnown(rest.map((each) => each[at] ?? null)));
  return [...named, { label: words.other, values }];
}

function sumKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter(isKnown);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

/** By their peaks; shown in the order of their names, so that each keeps its place. */
function strongest(found: readonly ChartSeries[]): readonly ChartSeries[] {
  if (found.length <= MOST_LINES) return found;
  const peaked = found.map((series) => ({ series, peak: Math.max(...series.values.map(Number)) }));
  const kept = new Set(
    peaked
      .toSorted((a, b) => b.peak - a.peak)
      .slice(0, MOST_LINES)
      .map(({ series }) => series),
  );
  return found.filter((series) => kept.has(series));
}
