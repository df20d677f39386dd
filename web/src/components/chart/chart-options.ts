/** What uPlot is told: our colours and units, gaps where nothing is known, zoom by dragging. */
import type uPlot from 'uplot';
import type { ChartUnit } from '#web/format/chart-units.ts';
import { quantityToText, type Quantity } from '#web/format/numbers.ts';
import type { Span } from '#web/format/time-range.ts';
import { axisTime } from '#web/format/times.ts';
import type { ChartColours } from './chart-colours.ts';

export interface ChartPlan {
  readonly labels: readonly string[];
  readonly unit: ChartUnit;
  readonly isStacked: boolean;
  readonly syncKey: string | undefined;
  readonly spanOf: () => Span;
  readonly onZoom: ((span: Span) => void) | undefined;
  /** Where the cursor is, by the number of the point; null when it is gone. */
  readonly onPoint: (at: number | null) => void;
  /** It was drawn for the first time. */
  readonly onReady: (plot: uPlot) => void;
}

const AXIS_PX = 60;
const RIGHT_PX = 8;
/** Of `20:22:26` below the axis. */
const HALF_TIME_PX = 26;
const ROUNDING = 1.02;
const SHORTEST_DRAG_PX = 6;
const FONT = '11px "Inter Variable", system-ui, sans-serif';

export function createChartOptions(
  plan: ChartPlan,
  colours: ChartColours,
  size: { readonly width: number; readonly height: number },
): uPlot.Options {
  const { unit, onZoom } = plan;
  return {
    ...size,
    padding: [8, RIGHT_PX, 0, 0],
    legend: { show: false },
    scales: {
      x: { time: true, range: () => [plan.spanOf().from, plan.spanOf().to] },
      y: { range: (_plot, _least, most) => [0, axisEnd(most, unit)] },
    },
    axes: [timeAxis(plan, colours), valueAxis(unit, colours)],
    series: [{}, ...plan.labels.map((_label, at) => lineOf(at, plan, colours))],
    // The fill of what is stacked ends at what it stands on.
    ...(plan.isStacked && {
      bands: plan.labels.slice(1).map((_label, at) => ({ series: [at + 2, at + 1] as const })),
    }),
    cursor: {
      ...(plan.syncKey !== undefined && { sync: { key: plan.syncKey } }),
      drag: { x: onZoom !== undefined, y: false, setScale: false, dist: SHORTEST_DRAG_PX },
      points: { size: 6 },
      y: false,
    },
    hooks: {
      setCursor: [(plot) => plan.onPoint(plot.cursor.idx ?? null)],
      setSelect: [(plot) => zoom(plot, onZoom)],
      ready: [(plot) => plan.onReady(plot)],
    },
  };
}

/** Data decides, and a share is of a whole. Nothing but zeros still needs an axis. */
function axisEnd(most: number | null, { atLeast = 0, isBinary = false }: ChartUnit): number {
  // Parts that were rounded one by one come to a little more than their whole.
  const end = (most ?? 0) <= atLeast * ROUNDING ? atLeast : (most ?? 0);
  if (end === 0) return 1;
  return end === atLeast ? end : roundUp(end, isBinary);
}

/** The axis goes by round numbers: `96 MiB/s`, where a table has `96.0 MiB/s`. */
function axisText({ value, unit }: Quantity): string {
  return quantityToText({ value: value.replace(/\.0+$/, ''), unit });
}

function roundUp(value: number, isBinary: boolean): number {
  const unit = isBinary ? 1024 ** Math.floor(Math.log(value) / Math.log(1024)) : 1;
  const scaled = value / unit;
  const power = 10 ** Math.floor(Math.log10(scaled));
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((each) => each * power >= scaled) ?? 10;
  return step * power * unit;
}

function timeAxis({ spanOf }: ChartPlan, { text, grid }: ChartColours): uPlot.Axis {
  return {
    ...{ stroke: text, font: FONT, size: 28, space: 72 },
    grid: { show: false },
    ticks: { stroke: grid, size: 4, width: 1 },
    values: (plot, seconds) => {
      const { from, to } = spanOf();
      // One that would be cut off at the end of the chart is left out.
      const last = plot.width - AXIS_PX - HALF_TIME_PX;
      return seconds.map((each) =>
        plot.valToPos(each, 'x') > last ? '' : axisTime(each * 1000, to - from),
      );
    },
  };
}

function valueAxis({ format, isBinary }: ChartUnit, { text, grid }: ChartColours): uPlot.Axis {
  return {
    ...{ stroke: text, font: FONT, size: AXIS_PX, space: 32 },
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
    ...(isBinary === true && { incrs: BINARY_STEPS }),
    values: (_plot, values) => values.map((value) => axisText(format(value))),
  };
}

const BINARY_STEPS = Array.from({ length: 60 }, (_, power) => 2 ** power);

function lineOf(at: number, { labels, isStacked }: ChartPlan, colours: ChartColours): uPlot.Series {
  const colour = colours.series[at % colours.series.length] ?? colours.text;
  const fill = colours.fills[at % colours.fills.length];
  return {
    label: labels[at] ?? '',
    stroke: colour,
    width: 1.5,
    spanGaps: false,
    points: { show: (plot, series) => isLonely(plot, series), size: 4 },
    ...((isStacked || labels.length === 1) && fill !== undefined && { fill }),
  };
}

/** Points are drawn only where there is no line between them to be seen. */
function isLonely({ data }: uPlot, series: number): boolean {
  const known = Array.from(data[series] ?? []).filter((value) => value !== null);
  return known.length <= 2;
}

function zoom(plot: uPlot, onZoom: ChartPlan['onZoom']): void {
  const { left, width } = plot.select;
  if (width < SHORTEST_DRAG_PX) return;
  const from = plot.posToVal(left, 'x');
  const to = plot.posToVal(left + width, 'x');
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  onZoom?.({ from, to });
}
