/** What a job says, and what became of it: line by line as it comes. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { getJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { Loaded } from '#web/components/Loaded.tsx';
import { dateTime, parseInstant } from '#web/format/times.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { jobPath } from './job-queries.ts';
import type { Job } from './wire.ts';

interface Line {
  readonly sequence: number;
  readonly timestamp: string;
  readonly level?: string;
  readonly event?: string;
  readonly attempt?: number;
  readonly message: string | null;
}

interface Lines {
  readonly lines: readonly Line[];
  /** Where to go on. */
  readonly after: number;
}

interface LinesAnswer {
  readonly logs?: readonly Line[];
  readonly events?: readonly Line[];
  readonly next_after: number | null;
}

type LineKind = 'log' | 'events';

const MOST_LINES = 5000;
const POLL_MS = 1000;
const PATHS: Readonly<Record<LineKind, string>> = { log: 'logs', events: 'events' };

/** Only what is new is asked for, and kept behind what is there. */
function useLines({ definition: { id }, status }: Job, kind: LineKind) {
  const client = useQueryClient();
  const queryKey = queryKeys.migrationLines(id, kind);
  const isOver = status !== 'running' && status !== 'pending';
  return useQuery({
    // The last lines come with the end.
    queryKey: [...queryKey, isOver],
    queryFn: async ({ signal }): Promise<Lines> => {
      const known = [isOver, !isOver].flatMap(
        (over) => client.getQueryData<Lines>([...queryKey, over]) ?? [],
      );
      const old = known.toSorted((one, other) => other.after - one.after)[0];
      const query = { after: old?.after ?? 0 };
      const path = `${jobPath(id)}/${PATHS[kind]}`;
      const answer = await getJson<LinesAnswer>(path, { query, signal });
      const fresh = answer.logs ?? answer.events ?? [];
      const lines = [...(old?.lines ?? []), ...fresh].slice(-MOST_LINES);
      return { lines, after: answer.next_after ?? query.after };
    },
    placeholderData: (before) => before,
    ...(!isOver && { refetchInterval: POLL_MS }),
  });
}

export interface JobLinesProps {
  readonly job: Job;
  readonly kind: LineKind;
}

export function JobLines({ job, kind }: JobLinesProps) {
  return (
    <Loaded query={useLines(job, kind)}>
      {({ lines }) => <LineList lines={lines} kind={kind} />}
    </Loaded>
  );
}

function LineList({ lines, kind }: Pick<Lines, 'lines'> & { readonly kind: LineKind }) {
  const list = useRef<HTMLDivElement>(null);
  const count = lines.length;
  useEffect(() => {
    const box = list.current;
    if (box === null) return;
    // Whoever scrolled up reads there.
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
    if (isAtEnd) box.scrollTop = box.scrollHeight;
  }, [count]);
  if (count === 0) return <p className="quiet">{MIGRATIONS.log.empty}</p>;
  const label = kind === 'log' ? MIGRATIONS.log.label : MIGRATIONS.log.events;
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls by the keyboard
    <div className="log" ref={list} role="log" aria-label={label} tabIndex={0}>
      <ol>
        {lines.map((line) => (
          <li key={line.sequence}>
            <time className="quiet num" dateTime={line.timestamp}>
              {dateTime(parseInstant(line.timestamp))}
            </time>
            <span data-level={line.level}>
              {line.level ?? MIGRATIONS.attempt(line.attempt ?? 0)}
            </span>
            <span>{[line.event, line.message].filter(Boolean).join(': ')}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
