/** Who uses most of this host. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { Loaded } from '#web/components/Loaded.tsx';
import { Num } from '#web/components/Num.tsx';
import { Section } from '#web/components/Section.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { bytes, count, percent } from '#web/format/numbers.ts';
import type { Sort } from '#web/format/sort-rows.ts';
import { SERVER } from '#web/text/server.ts';
import { serverView } from './view.ts';

interface Process {
  readonly pid: number;
  readonly name: string;
  readonly state: string;
  readonly threads: number;
  readonly user_id: number | null;
  /** Of one processor. */
  readonly cpu_pct_x100: number;
  readonly memory_bytes: number;
}

const EVERY_MS = 2000;
const MOST = 12;
const { columns } = SERVER;

const COLUMNS: readonly Column<Process>[] = [
  { id: 'name', title: columns.process, width: 'grow', cell: ({ name }) => name },
  {
    ...{ id: 'pid', title: columns.pid, align: 'end' },
    cell: ({ pid }) => <span className="num">{pid}</span>,
  },
  {
    ...{ id: 'user', title: columns.user, align: 'end', hideBelow: 'tablet' },
    cell: ({ user_id: user }) => <span className="num">{user}</span>,
  },
  {
    ...{ id: 'threads', title: columns.threads, align: 'end', hideBelow: 'tablet' },
    cell: ({ threads }) => <Num of={count(threads)} />,
  },
  {
    ...{ id: 'cpu', title: columns.cpu, align: 'end', sort: (each) => each.cpu_pct_x100 },
    cell: ({ cpu_pct_x100: share }) => <Num of={percent(share / 100)} />,
  },
  {
    ...{ id: 'memory', title: columns.memory, align: 'end', sort: (each) => each.memory_bytes },
    cell: ({ memory_bytes: size }) => <Num of={bytes(size)} />,
  },
];

export function ProcessTable() {
  const [{ top }, setSearch] = useViewSearch(serverView);
  const by = top === 'memory' ? 'memory' : 'cpu';
  const processes = useQuery({
    queryKey: queryKeys.processes(by),
    queryFn: ({ signal }) =>
      getJson<{ readonly processes: readonly Process[] }>('/api/v1/processes', {
        ...{ query: { by, limit: MOST }, signal },
      }),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
  });
  // The server chooses the largest, so there is one direction.
  const sort: Sort = { column: by, descending: true };
  return (
    <Section title={SERVER.sections.processes}>
      <Loaded query={processes}>
        {({ processes: rows }) => (
          <Table
            label={SERVER.sections.processes}
            rows={rows}
            rowKey={({ pid }) => String(pid)}
            columns={COLUMNS}
            sort={sort}
            onSort={({ column }) => setSearch({ top: column })}
          />
        )}
      </Loaded>
    </Section>
  );
}
