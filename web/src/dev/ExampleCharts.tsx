/** Charts of made-up waves, with a gap in each. */
import { useMemo } from 'react';
import { useViewSearch } from '#web/app/use-view.ts';
import { Section } from '#web/components/Section.tsx';
import { TimeChart } from '#web/components/TimeChart.tsx';
import { TimeRangePicker } from '#web/components/TimeRangePicker.tsx';
import { CHART_UNITS } from '#web/format/chart-units.ts';
import { between, parseTimeRange, spanOf, timeRangeToText } from '#web/format/time-range.ts';
import { EXAMPLE } from './example-text.ts';
import { componentsView } from './view.ts';

const MODES = ['user', 'system', 'iowait', 'steal'];
const POINTS = 240;
const LOADED_AT = Date.now();

export function ExampleCharts() {
  const [search, setSearch] = useViewSearch(componentsView);
  const range = parseTimeRange(search.range);
  const text = timeRangeToText(range);
  const span = useMemo(() => spanOf(parseTimeRange(text), LOADED_AT), [text]);
  const { times, modes, network } = useMemo(() => {
    const step = (span.to - span.from) / POINTS;
    return {
      times: Array.from({ length: POINTS }, (_, at) => span.from + at * step),
      modes: MODES.map((label, of) => ({ label, values: wave(20 / (of + 1), of) })),
      network: [{ label: 'eth0', values: wave(90_000_000, 1) }],
    };
  }, [span]);
  const shared = {
    ...{ times, span, stepS: Math.round((span.to - span.from) / POINTS), syncKey: 'example' },
    onZoom: ({ from, to }: { readonly from: number; readonly to: number }) =>
      setSearch({ range: timeRangeToText(between(from, to)) }),
  };
  return (
    <Section
      title={EXAMPLE.hour}
      actions={
        <TimeRangePicker
          value={range}
          onChange={(chosen) => setSearch({ range: timeRangeToText(chosen) })}
        />
      }
    >
      <div className="charts">
        <TimeChart
          title={EXAMPLE.cpu}
          unit={CHART_UNITS.percent}
          series={modes}
          isStacked
          {...shared}
        />
        <TimeChart
          title={EXAMPLE.network}
          unit={CHART_UNITS.bytesPerSecond}
          series={network}
          {...shared}
        />
      </div>
    </Section>
  );
}

function wave(height: number, phase: number): (number | null)[] {
  return Array.from({ length: POINTS }, (_, at) =>
    at > 120 && at < 140 ? null : (height / 2) * (1.2 + Math.sin(at / 12 + phase)),
  );
}
