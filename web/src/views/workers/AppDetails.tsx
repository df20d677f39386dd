/** One app: its versions, and what it writes. */
import { useEffect, useRef, useState } from 'react';
import { useMayChange } from '#web/api/session.ts';
import { Age } from '#web/components/Age.tsx';
import { Button } from '#web/components/Button.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Num } from '#web/components/Num.tsx';
import { Section } from '#web/components/Section.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { bytes, count } from '#web/format/numbers.ts';
import { exactTime, parseInstant } from '#web/format/times.ts';
import { WORKERS } from '#web/text/workers.ts';
import { MakeCurrent } from './AppDialogs.tsx';
import { useAppLog, type App, type AppVersion, type LogLine } from './worker-queries.ts';

const { columns } = WORKERS;

const COLUMNS: readonly Column<AppVersion>[] = [
  {
    ...{ id: 'version', title: columns.version, width: 'grow' },
    cell: ({ version, current }) => (
      <>
        {version} {current && <span className="tag">{WORKERS.isCurrent}</span>}
      </>
    ),
  },
  {
    ...{ id: 'workers', title: columns.workers, align: 'end', hideBelow: 'tablet' },
    cell: ({ workers }) => <Num of={count(workers && workers.active + workers.idle)} />,
  },
  {
    ...{ id: 'inFlight', title: columns.inFlight, align: 'end', hideBelow: 'tablet' },
    cell: ({ workers }) => <Num of={count(workers?.in_flight)} />,
  },
  {
    ...{ id: 'requests', title: columns.requests, align: 'end' },
    cell: ({ workers }) => <Num of={count(workers?.requests)} />,
  },
  {
    ...{ id: 'size', title: columns.size, align: 'end', hideBelow: 'tablet' },
    cell: ({ size_bytes: size }) => <Num of={bytes(size)} />,
  },
  {
    ...{ id: 'files', title: columns.files, align: 'end', hideBelow: 'tablet' },
    cell: ({ file_count: files }) => <Num of={count(files)} />,
  },
  {
    ...{ id: 'deployed', title: columns.deployed, align: 'end' },
    cell: ({ deployed_at: at }) => <Age at={parseInstant(at)} />,
  },
];

export interface AppDetailsProps {
  readonly app: App;
  readonly onHide: () => void;
}

export function AppDetails({ app, onHide }: AppDetailsProps) {
  const { name, versions, failing } = app;
  const log = useAppLog(name);
  const [wanted, setWanted] = useState<string>();
  const mayChange = useMayChange();
  const actions: Column<AppVersion> = {
    ...{ id: 'actions', title: '', align: 'end', width: 'fit' },
    cell: ({ version, current }) =>
      !current && (
        <Button
          size="small"
          title={WORKERS.makeCurrentOf(version)}
          onClick={() => setWanted(version)}
        >
          {WORKERS.makeCurrent}
        </Button>
      ),
  };
  return (
    <>
      <Section
        title={WORKERS.versions(name)}
        actions={
          <Button size="small" onClick={onHide}>
            {WORKERS.hide}
          </Button>
        }
      >
        {failing !== null && <p className="tone-error">{failing}</p>}
        <Table
          label={WORKERS.versions(name)}
          rows={versions}
          rowKey={({ version }) => version}
          columns={mayChange && versions.length > 1 ? [...COLUMNS, actions] : COLUMNS}
        />
      </Section>
      <Section title={WORKERS.log(name)}>
        <Loaded query={log}>{(lines) => <Log label={WORKERS.log(name)} lines={lines} />}</Loaded>
      </Section>
      {wanted !== undefined && (
        <MakeCurrent app={app} version={wanted} onClose={() => setWanted(undefined)} />
      )}
    </>
  );
}

interface LogProps {
  readonly label: string;
  readonly lines: readonly LogLine[];
}

/** Stays at its end, unless somebody looks further up. */
function Log({ label, lines }: LogProps) {
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const last = lines.at(-1);
  useEffect(() => {
    const element = box.current;
    if (element !== null && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [last?.at, lines.length]);
  if (lines.length === 0) return <p className="quiet">{WORKERS.logEmpty}</p>;
  return (
    <div
      ref={box}
      className="log"
      role="log"
      aria-label={label}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it is scrolled by keys
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
        isAtEnd.current = scrollTop + clientHeight >= scrollHeight - 4;
      }}
    >
      {lines.map(({ at, stream, line }, number) => (
        <div key={`${at} ${number}`} className="log-line">
          <time className="quiet" dateTime={at}>
            {exactTime(parseInstant(at))}
          </time>
          <span className={stream === 'stderr' ? 'tone-error' : 'quiet'}>{stream}</span>
          <span>{line}</span>
        </div>
      ))}
    </div>
  );
}
