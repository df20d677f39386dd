/** One server, from its numbers of now down to what they come from. */
import { useFleetLive, useServer } from '#web/api/fleet.ts';
import type { ServerWhole } from '#web/api/server-shapes.ts';
import { useViewParam, useViewSearch } from '#web/app/use-view.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { ServerStatus } from '#web/components/ServerStatus.tsx';
import { TimeRangePicker } from '#web/components/TimeRangePicker.tsx';
import { parseTimeRange, timeRangeToText, type TimeRange } from '#web/format/time-range.ts';
import { SERVER } from '#web/text/server.ts';
import { overviewView } from '#web/views/overview/view.ts';
import { DeviceTables } from './DeviceTables.tsx';
import { GuestTable } from './GuestTable.tsx';
import { ProcessTable } from './ProcessTable.tsx';
import { ServerCharts, useServerHistory } from './ServerCharts.tsx';
import { ServerFacts } from './ServerFacts.tsx';
import { SourceTable } from './SourceTable.tsx';
import './server.css';
import { serverView } from './view.ts';

export function ServerPage() {
  const id = useViewParam('id');
  // Another server is another page: nothing of the one before stays.
  return <OneServer key={id} id={id} />;
}

function OneServer({ id }: { readonly id: string }) {
  const [search, setSearch] = useViewSearch(serverView);
  const range = parseTimeRange(search.range);
  const live = useFleetLive(id);
  const server = useServer(id, { live: live.kind === 'live' });
  const isLocal = server.data?.sources.some(({ kind }) => kind === 'local') ?? false;
  const history = useServerHistory({ id, isLocal, range });
  const setRange = (chosen: TimeRange) => setSearch({ range: timeRangeToText(chosen) });
  return (
    <Loaded query={server}>
      {(data) => <Shown server={data} onRange={setRange} {...{ isLocal, range, history }} />}
    </Loaded>
  );
}

interface ShownProps {
  readonly server: ServerWhole;
  readonly isLocal: boolean;
  readonly range: TimeRange;
  readonly history: ReturnType<typeof useServerHistory>;
  readonly onRange: (range: TimeRange) => void;
}

function Shown({ server, isLocal, range, history, onRange }: ShownProps) {
  const { status, reasons } = server.server_status;
  return (
    <>
      <PageHeader
        title={server.name}
        trail={<ViewLink to={overviewView}>{SERVER.trail}</ViewLink>}
        beside={<ServerStatus state={status} />}
        actions={<TimeRangePicker value={range} onChange={onRange} />}
      />
      {reasons.length > 0 && (
        <ul className="reasons" aria-label={SERVER.why}>
          {reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      <ServerFacts server={server} />
      <ServerCharts server={history} {...{ isLocal, range, onRange }} />
      <DeviceTables server={server} />
      <GuestTable server={server} />
      {isLocal && <ProcessTable />}
      <SourceTable sources={server.sources} />
    </>
  );
}
