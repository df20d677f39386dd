/** What a machine used over time, as seen from the host. */
import { useMemo } from 'react';
import { useViewSearch } from '#web/app/use-view.ts';
import { Loaded } from '#web/components/Loaded.tsx';
import { Section } from '#web/components/Section.tsx';
import { TimeChart, type ChartSeries } from '#web/components/TimeChart.tsx';
import { TimeRangePicker } from '#web/components/TimeRangePicker.tsx';
import { CHART_UNITS, type ChartUnit } from '#web/format/chart-units.ts';
import {
  between,
  parseTimeRange,
  timeRangeToText,
  type TimeRange,
} from '#web/format/time-range.ts';
import { MACHINES } from '#web/text/machines.ts';
import { alignSeries, type Named } from './align-series.ts';
import { useMachineHistory, type MachineHistory } from './machine-queries.ts';
import { machineView } from './view.ts';

const { charts } = MACHINES.one;

export function MachineCharts({ id }: { readonly id: string }) {
  const [search, setSearch] = useViewSearch(machineView);
  const range = parseTimeRange(search.range);
  const setRange = (next: TimeRange) => setSearch({ range: timeRangeToText(next) });
  const history = useMachineHistory(id, range);
  return (
    <Section title={charts.title} actions={<TimeRangePicker value={range} onChange={setRange} />}>
      <Loaded query={history}>{(shown) => <Charts history={shown} onRange={setRange} />}</Loaded>
    </Section>
  );
}

interface ChartsProps {
  readonly history: MachineHistory;
  readonly onRange: (range: TimeRange) => void;
}

function Charts({ history, onRange }: ChartsProps) {
  const { of } = history;
  const shared = { history, onRange };
  return (
    <div className="charts">
      <Chart
        title={charts.cpu}
        unit={CHART_UNITS.percent}
        first={[charts.cpu, of.cpu]}
        {...shared}
      />
      <Chart
        title={charts.memory}
        unit={CHART_UNITS.bytes}
        first={[charts.used, of.memory]}
        second={[charts.size, of.memorySize]}
        {...shared}
      />
      <Chart
        title={charts.disk}
        unit={CHART_UNITS.bytesPerSecond}
        first={[charts.read, of.read]}
        second={[charts.written, of.written]}
        {...shared}
      />
      <Chart
        title={charts.network}
        unit={CHART_UNITS.bits}
        first={[charts.received, of.received]}
        second={[charts.sent, of.sent]}
        {...shared}
      />
    </div>
  );
}

interface ChartProps extends ChartsProps {
  readonly title: string;
  readonly unit: ChartUnit;
  readonly first: Named;
  readonly second?: Named;
}

function Chart({ title, unit, first, second, history, onRange }: ChartProps) {
  const [label, one] = first;
  const [otherLabel, other] = second ?? [];
  const { times, stepS, series } = useMemo(() => {
    const named: Named[] = [[label, one]];
    if (otherLabel !== undefined && other !== undefined) named.push([otherLabel, other]);
    return alignSeries(named) satisfies { readonly series: readonly ChartSeries[] };
  }, [label, one, otherLabel, other]);
  return (
    <TimeChart
      {...{ title, unit, times, stepS, series }}
      span={history.span}
      syncKey="machine"
      onZoom={({ from, to }) => onRange(between(from, to))}
    />
  );
}
