/** Everything about a server that has a history; charts of what it does not have are left out. */
import { useMemo } from 'react';
import { useHistoryWindow, type HistoryWindow } from '#web/api/history-window.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Section } from '#web/components/Section.tsx';
import { TimeChart } from '#web/components/TimeChart.tsx';
import { between, type Span, type TimeRange } from '#web/format/time-range.ts';
import { SERVER } from '#web/text/server.ts';
import {
  HOST_CHARTS,
  HOST_METRICS,
  SERVER_CHARTS,
  SERVER_METRICS,
  planCharts,
  type ChartPlan,
} from './chart-plans.ts';

/** This host is measured each second, the others as often as their sources are asked. */
const LOCAL_MS = 1000;
const OTHERS_MS = 5000;
const SYNC_KEY = 'server';

export interface WantedHistory {
  readonly id: string;
  readonly isLocal: boolean;
  readonly range: TimeRange;
}

/** Asked beside the server itself, and not after it. */
export function useServerHistory({ id, isLocal, range }: WantedHistory) {
  return useHistoryWindow({
    ...{ metrics: SERVER_METRICS, labels: { server: id }, range },
    everyMs: isLocal ? LOCAL_MS : OTHERS_MS,
    queryKey: queryKeys.fleetHistory(`server ${id}`, range),
  });
}

export interface ServerChartsProps extends Pick<WantedHistory, 'isLocal' | 'range'> {
  readonly server: ReturnType<typeof useServerHistory>;
  readonly onRange: (range: TimeRange) => void;
}

export function ServerCharts({ server, isLocal, range, onRange }: ServerChartsProps) {
  const host = useHistoryWindow({
    ...{ metrics: HOST_METRICS, range, everyMs: LOCAL_MS, enabled: isLocal },
    queryKey: queryKeys.fleetHistory('host', range),
  });
  const onZoom = ({ from, to }: Span) => onRange(between(from, to));
  // All of them at once, and room for them until then: what is below stays where it is.
  if (server.isLoading || host.isLoading) return <div className="charts-to-come" />;
  return (
    <Section title={SERVER.sections.history}>
      <Loaded query={server}>
        {(window) =>
          window.history.series.length === 0 ? (
            <EmptyState title={SERVER.noHistory}>{SERVER.noHistoryHint}</EmptyState>
          ) : (
            <div className="charts">
              <Charts window={window} plans={SERVER_CHARTS} onZoom={onZoom} />
              {isLocal && host.data !== undefined && (
                <Charts window={host.data} plans={HOST_CHARTS} onZoom={onZoom} />
              )}
            </div>
          )
        }
      </Loaded>
    </Section>
  );
}

interface ChartsProps {
  readonly window: HistoryWindow;
  readonly plans: readonly ChartPlan[];
  readonly onZoom: (span: Span) => void;
}

function Charts({ window: { history, span }, plans, onZoom }: ChartsProps) {
  const planned = useMemo(() => planCharts(history, plans), [history, plans]);
  return planned.map(({ plan, series, all }) => (
    <TimeChart
      key={plan.title}
      title={titleOf(plan.title, series.length, all)}
      times={history.times}
      stepS={history.stepS}
      isStacked={plan.isStacked ?? false}
      syncKey={SYNC_KEY}
      {...{ unit: plan.unit, series, span, onZoom }}
    />
  ));
}

function titleOf(title: string, shown: number, all: number): string {
  return shown === all ? title : `${title}, ${SERVER.strongest(shown, all)}`;
}
