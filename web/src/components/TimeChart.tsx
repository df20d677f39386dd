/**
 * Values over time. Gaps are gaps: what is not known is null, and nothing is drawn there. Says how
 * much time a point stands for, hands out its values as CSV, and moves its cursor with the other
 * charts of the same `syncKey`. It brings uPlot with it: for views that are loaded when opened.
 *
 * A chart that nobody sees costs nothing: it is drawn when it is scrolled to, and stays as it was
 * while it is out of sight.
 */
import { memo, useMemo, useRef, useState } from 'react';
import { useColourScheme } from '#web/app/use-colour-scheme.ts';
import type { ChartUnit } from '#web/format/chart-units.ts';
import { toCsv } from '#web/format/csv.ts';
import { isKnown } from '#web/format/numbers.ts';
import type { Span } from '#web/format/time-range.ts';
import { dateTime, duration } from '#web/format/times.ts';
import { TEXT } from '#web/text/en.ts';
import { saveFile } from './save-file.ts';
import { ChartCanvas } from './chart/ChartCanvas.tsx';
import { stackSeries, type Values } from './chart/stack-series.ts';
import { useSeen } from './chart/use-seen.ts';
import { IconButton } from './IconButton.tsx';
import { Num } from './Num.tsx';

export interface ChartSeries {
  readonly label: string;
  /** One for each of `times`. */
  readonly values: Values;
}

export interface TimeChartProps {
  readonly title: string;
  /** One of CHART_UNITS: the same object each time. */
  readonly unit: ChartUnit;
  /** Seconds since 1970, rising. */
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
  /** What the axis shows, whatever there is in it. */
  readonly span: Span;
  /** How much time a point stands for. */
  readonly stepS?: number;
  /** On top of each other: parts of a whole. */
  readonly isStacked?: boolean;
  readonly syncKey?: string;
  /** A part of the time was marked by dragging. */
  readonly onZoom?: (span: Span) => void;
  readonly heightPx?: number;
}

export function TimeChart(props: TimeChartProps) {
  const figure = useRef<HTMLElement>(null);
  const isSeen = useSeen(figure);
  return (
    <figure className="chart" aria-label={props.title} ref={figure}>
      <ChartHead {...props} />
      <ChartBody {...props} isSeen={isSeen} />
    </figure>
  );
}

interface ChartBodyProps extends TimeChartProps {
  readonly isSeen: boolean;
}

/** What comes while it is out of sight is left to when it is seen again. */
const ChartBody = memo(Body, (_old, { isSeen }) => !isSeen);

function Body(props: ChartBodyProps) {
  const { unit, times, series, span, isStacked = false, heightPx = 160, isSeen } = props;
  const [at, setAt] = useState<number | null>(null);
  const scheme = useColourScheme();
  const values = useMemo(() => {
    const raw = series.map((each) => each.values);
    return isStacked ? stackSeries(raw) : raw;
  }, [series, isStacked]);
  const isEmpty = !series.some((each) => each.values.some(isKnown));
  return (
    <>
      <div className="chart-area" style={{ height: heightPx }}>
        {isSeen && (
          <ChartCanvas
            {...{ times, values, unit, span, heightPx, isStacked, scheme }}
            labels={series.map(({ label }) => label)}
            syncKey={props.syncKey}
            onZoom={props.onZoom}
            onPoint={setAt}
          />
        )}
        {isEmpty && <p className="chart-empty">{TEXT.chart.noData}</p>}
      </div>
      <Legend unit={unit} series={series} times={times} at={at} />
    </>
  );
}

function ChartHead({ title, times, series, stepS }: TimeChartProps) {
  const save = () => {
    const titles = [TEXT.chart.time, ...series.map(({ label }) => label)];
    const rows = times.map((time, at) => [
      new Date(time * 1000).toISOString(),
      ...series.map(({ values }) => values[at]),
    ]);
    saveFile(`${title}.csv`, 'text/csv', toCsv(titles, rows));
  };
  return (
    <figcaption className="chart-head">
      <span className="chart-title">{title}</span>
      {stepS !== undefined && (
        <span className="quiet num">{TEXT.chart.resolution(duration(stepS))}</span>
      )}
      <IconButton icon="download" label={`${TEXT.chart.export}: ${title}`} onClick={save} />
    </figcaption>
  );
}

interface LegendProps extends Pick<TimeChartProps, 'unit' | 'series' | 'times'> {
  /** The point under the cursor; else the newest is told. */
  readonly at: number | null;
}

function Legend({ unit, series, times, at }: LegendProps) {
  const time = at === null ? undefined : times[at];
  return (
    <ul className="legend">
      {series.map(({ label, values }, number) => (
        <li key={label}>
          <span className="swatch" data-series={(number % 6) + 1} aria-hidden="true" />
          <span className="quiet">{label}</span>{' '}
          <Num of={unit.format(at === null ? newest(values) : values[at])} />
        </li>
      ))}
      <li className="legend-time quiet num">
        {time === undefined ? TEXT.chart.now : dateTime(time * 1000)}
      </li>
    </ul>
  );
}

/** The last of all: when that is not known, it is not known how things stand now. */
function newest(values: Values): number | null {
  return values.at(-1) ?? null;
}
