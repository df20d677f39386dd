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
import { ServerCharts } from './ServerCharts.tsx';
import { ServerFacts } from './ServerFacts.tsx';
import { SourceTable } from './SourceTable.tsx';
import './server.css';
import { serverView } from './view.ts';

export function ServerPage() {
  const id = useViewParam('id');
  const live = useFleetLive(id);
  const server = useServer(id, { live: live.kind === 'live' });
  // Another server is another page: nothing of the one before stays.
  return (
    <Loaded query={server} key={id}>
      {(data) => <Shown server={data} />}
    </Loaded>
  );
}

function Shown({ server }: { readonly server: ServerWhole }) {
  const [search, setSearch] = useViewSearch(serverView);
  const range = parseTimeRange(search.range);
  const setRange = (chosen: TimeRange) => setSearch({ range: timeRangeToText(chosen) });
  const { status, reasons } = server.server_status;
  const isLocal = server.sources.some(({ kind }) => kind === 'local');
  return (
    <>
      <PageHeader
        title={server.name}
        trail={<ViewLink to={overviewView}>{SERVER.trail}</ViewLink>}
        beside={<ServerStatus state={status} />}
        actions={<TimeRangePicker value={range} onChange={setRange} />}
      />
      {reasons.length > 0 && (
        <ul className="reasons" aria-label={SERVER.why}>
          {reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      <ServerFacts server={server} />
      <ServerCharts id={server.id} {...{ isLocal, range }} onRange={setRange} />
      <DeviceTables server={server} />
      <GuestTable server={server} />
      {isLocal && <ProcessTable />}
      <SourceTable sources={server.sources} />
    </>
  );
}
