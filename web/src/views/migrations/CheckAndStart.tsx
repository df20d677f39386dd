/**
 * Looks for what stands in the way, VM by VM, and starts those in whose way nothing is.
 *
 *   open ── check ──▶ checking ──▶ checked ── start ──▶ gone to what was started
 *     ▲                               │ the form was changed
 *     └───────────────────────────────┘
 */
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { toApiError } from '#web/api/api-error.ts';
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useMayChange } from '#web/api/session.ts';
import { useAction } from '#web/api/use-action.ts';
import { useGo } from '#web/app/use-view.ts';
import { Button } from '#web/components/Button.tsx';
import { useToast } from '#web/components/toast-store.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { ScheduleDialog } from '#web/views/schedules/ScheduleDialog.tsx';
import { FindingList } from './FindingList.tsx';
import { migrationView, migrationsView } from './view.ts';
import type { Finding } from './wire.ts';

const { create } = MIGRATIONS;
const CHECK_DEADLINE_MS = 120_000;
const AT_ONCE = 4;

interface Checked {
  readonly request: object;
  readonly name: string;
  readonly findings: readonly Finding[];
}

export interface CheckAndStartProps {
  /** One for each VM, with their names beside. */
  readonly requests: readonly object[];
  readonly names: readonly string[];
}

export function CheckAndStart({ requests, names }: CheckAndStartProps) {
  const asked = JSON.stringify(requests);
  const mayChange = useMayChange();
  const [done, setDone] = useState(0);
  const check = useMutation({
    mutationFn: async (given: readonly object[]) => {
      setDone(0);
      const checked = await checkAll(given, names, () => setDone((before) => before + 1));
      return { asked: JSON.stringify(given), checked };
    },
  });
  const isCurrent = check.data?.asked === asked;
  const checked = check.data?.checked ?? [];
  const fit = checked.filter(({ findings }) => !findings.some(isError));
  return (
    <>
      <div className="toolbar">
        <Button
          kind={isCurrent ? 'plain' : 'primary'}
          isBusy={check.isPending}
          onClick={() => check.mutate(requests)}
        >
          {check.data === undefined ? create.checkNow : create.checkAgain}
        </Button>
        {isCurrent && mayChange && fit.length > 0 && <StartButton checked={fit} />}
        {mayChange && <ScheduleButton requests={requests} />}
        <span className="quiet num" role="status">
          {check.isPending
            ? create.checking(done, requests.length)
            : noteOf({ isCurrent, checked, fit })}
        </span>
      </div>
      {check.data !== undefined && (
        <div className="below">
          <FindingList groups={checked} />
        </div>
      )}
    </>
  );
}

interface Outcome {
  readonly isCurrent: boolean;
  readonly checked: readonly Checked[];
  readonly fit: readonly Checked[];
}

function noteOf({ isCurrent, checked, fit }: Outcome): string {
  if (checked.length === 0) return create.checkHint;
  if (!isCurrent) return create.stale;
  if (fit.length === checked.length) return '';
  return fit.length === 0 ? create.allWrong : create.leftOut(checked.length - fit.length);
}

function isError({ severity }: Finding): boolean {
  return severity === 'error';
}

async function checkAll(
  requests: readonly object[],
  names: readonly string[],
  onDone: () => void,
): Promise<readonly Checked[]> {
  const checked: Checked[] = [];
  const waiting = requests.entries();
  const work = async () => {
    for (const [at, request] of waiting) {
      checked[at] = { request, name: names[at] ?? '', findings: await findingsOf(request) };
      onDone();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return checked;
}

/** A request that is refused has that for its finding. */
async function findingsOf(request: object): Promise<readonly Finding[]> {
  try {
    const options = { deadlineMs: CHECK_DEADLINE_MS };
    type Answer = { readonly findings: readonly Finding[] };
    return (await sendJson<Answer>('POST', '/jobs/preflight', request, options)).findings;
  } catch (thrown) {
    const { message, facts } = toApiError(thrown);
    return [{ code: facts.kind, severity: 'error', subject: null, message, remedy: null }];
  }
}

interface Submitted {
  readonly job_ids: readonly string[];
  readonly errors?: readonly string[];
}

function StartButton({ checked }: { readonly checked: readonly Checked[] }) {
  const go = useGo();
  const toast = useToast();
  const starting = useAction({
    run: async (wanted: readonly Checked[]) => {
      const batch = `page-${Date.now().toString(36)}`;
      const jobs = wanted.map(({ request }) => request);
      const body =
        jobs.length === 1 ? jobs[0] : { jobs: jobs.map((job) => ({ ...job, batch_id: batch })) };
      return { ...(await sendJson<Submitted>('POST', '/jobs/submit', body)), batch };
    },
    done: ({ job_ids: ids }) => create.started(ids.length),
    invalidates: [queryKeys.migrationJobs, queryKeys.migrationStatus],
    onDone: ({ job_ids: ids, errors = [], batch }) => {
      const [only] = ids;
      if (errors.length > 0) {
        toast({ kind: 'error', text: create.rejected(errors.length, errors[0] ?? '') });
      }
      if (ids.length === 1 && only !== undefined) go({ view: migrationView, params: { id: only } });
      else go({ view: migrationsView, search: { batch } });
    },
  });
  return (
    <Button kind="primary" isBusy={starting.isBusy} onClick={() => starting.run(checked)}>
      {create.start(checked.length)}
    </Button>
  );
}

function ScheduleButton({ requests }: { readonly requests: readonly object[] }) {
  const [isOpen, setOpen] = useState(false);
  const [request] = requests;
  const isOne = request !== undefined && requests.length === 1;
  return (
    <>
      <Button
        disabled={!isOne}
        title={isOne ? undefined : create.scheduleOne}
        onClick={() => setOpen(true)}
      >
        {create.schedule}
      </Button>
      {isOpen && isOne && <ScheduleDialog template={request} onClose={() => setOpen(false)} />}
    </>
  );
}
