/** What this Drover is, and whether it is well. */
import { useQuery } from '@tanstack/react-query';
import { getJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useSession } from '#web/api/session.ts';
import { Age } from '#web/components/Age.tsx';
import { Facts } from '#web/components/Facts.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Num } from '#web/components/Num.tsx';
import { Section } from '#web/components/Section.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { bytes } from '#web/format/numbers.ts';
import { duration, parseInstant } from '#web/format/times.ts';
import { SETTINGS } from '#web/text/settings.ts';

interface Check {
  readonly status: string;
  readonly duration_ms: number;
  readonly timestamp: string;
}

interface Health {
  readonly status: string;
  readonly version: string;
  readonly backend: { readonly type: string; readonly status: string };
  readonly system: { readonly uptime_seconds: number; readonly memory_usage_mb: number };
  readonly checks: Readonly<Record<string, Check>>;
}

type Row = Check & { readonly name: string };

const EVERY_MS = 10_000;
const MIB = 1024 ** 2;
const { about } = SETTINGS;

const COLUMNS: readonly Column<Row>[] = [
  {
    ...{ id: 'check', title: about.check, width: 'grow' },
    cell: ({ name }) => name.replaceAll('_', ' '),
  },
  { id: 'status', title: about.status, cell: ({ status }) => <HealthStatus status={status} /> },
  {
    ...{ id: 'took', title: about.took, align: 'end' },
    cell: ({ duration_ms: ms }) => <span className="num">{duration(ms / 1000)}</span>,
  },
  {
    ...{ id: 'at', title: about.at, align: 'end' },
    cell: ({ timestamp }) => <Age at={parseInstant(timestamp)} />,
  },
];

export function About() {
  const { data: session } = useSession();
  const health = useQuery({
    queryKey: queryKeys.health,
    queryFn: ({ signal }) => getJson<Health>('/health', { signal }),
    refetchInterval: EVERY_MS,
  });
  return (
    <Loaded query={health}>
      {({ status, version, backend, system, checks }) => (
        <>
          <Facts
            items={[
              [about.version, version],
              [about.status, <HealthStatus key="status" status={status} />],
              [about.backend, backend.type],
              [about.uptime, duration(system.uptime_seconds)],
              [about.memory, <Num key="memory" of={bytes(system.memory_usage_mb * MIB)} />],
              ...(session?.authenticated === true
                ? ([
                    [about.user, session.name],
                    [about.may, session.may_change ? about.change : about.read],
                  ] as const)
                : []),
            ]}
          />
          <Section title={about.checks}>
            <Table
              label={about.checks}
              rows={Object.entries(checks).map(([name, check]) => ({ ...check, name }))}
              rowKey={({ name }) => name}
              columns={COLUMNS}
            />
          </Section>
        </>
      )}
    </Loaded>
  );
}

function HealthStatus({ status }: { readonly status: string }) {
  return <Status kind={status === 'healthy' ? 'ok' : 'error'}>{status}</Status>;
}
