/**
 * Looks for what stands in the way, VM by VM, and starts those in whose way nothing is.
 *
 *   open ── check ──▶ checking ──▶ checked ── start ──▶ gone to what was started
 *     ▲                               │ │                    or: who was refused, and why
 *     └───── the form was changed ────┘ └─ a field is wrong: said beside it
 */
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { toApiError, type ApiErrorFacts } from '#web/api/api-error.ts';
import { sendJson } from '#web/api/http.ts';
import { useMayChange } from '#web/api/session.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Button } from '#web/components/Button.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { ScheduleDialog } from '#web/views/schedules/ScheduleDialog.tsx';
import { FindingList, type FindingGroup } from './FindingList.tsx';
import type { Wanted } from './refusals.ts';
import { StartButton, type Outcome } from './StartButton.tsx';
import { migrationsView } from './view.ts';
import type { Finding } from './wire.ts';

const { create } = MIGRATIONS;
const CHECK_DEADLINE_MS = 120_000;
const AT_ONCE = 4;

interface Checked extends Wanted, FindingGroup {
  /** Why it was not even looked at: the request is wrong. */
  readonly refusal: ApiErrorFacts | undefined;
}

export interface CheckAndStartProps {
  /** One for each VM. */
  readonly wanted: readonly Wanted[];
  /** Whether the form is worth sending; if not, it says itself what is wrong. */
  readonly isComplete: () => boolean;
  readonly onRefused: (refusal: ApiErrorFacts) => void;
  /** Why it cannot be put on a schedule; undefined where it can. */
  readonly scheduleObstacle: string | undefined;
}

export function CheckAndStart(props: CheckAndStartProps) {
  const { wanted, isComplete, onRefused, scheduleObstacle } = props;
  const asked = JSON.stringify(wanted);
  const mayChange = useMayChange();
  const [done, setDone] = useState(0);
  const [outcome, setOutcome] = useState<Outcome>();
  const check = useMutation({
    mutationFn: async (given: readonly Wanted[]) => {
      setDone(0);
      setOutcome(undefined);
      const checked = await checkAll(given, () => setDone((before) => before + 1));
      return { asked: JSON.stringify(given), checked };
    },
    onSuccess: ({ checked }) => {
      const refusal = checked.find((each) => each.refusal !== undefined)?.refusal;
      if (refusal !== undefined) onRefused(refusal);
    },
  });
  const isCurrent = check.data?.asked === asked && outcome === undefined;
  const checked = check.data?.checked ?? [];
  const fit = checked.filter(({ findings }) => !findings.some(isError));
  return (
    <>
      <div className="toolbar">
        <Button
          kind={isCurrent ? 'plain' : 'primary'}
          isBusy={check.isPending}
          onClick={() => isComplete() && check.mutate(wanted)}
        >
          {check.data === undefined ? create.checkNow : create.checkAgain}
        </Button>
        {isCurrent && mayChange && fit.length > 0 && (
          <StartButton wanted={fit} onPart={setOutcome} />
        )}
        {mayChange && <ScheduleButton {...{ wanted, isComplete, obstacle: scheduleObstacle }} />}
        <span className="quiet" role="status">
          {check.isPending
            ? create.checking(done, wanted.length)
            : noteOf({ isCurrent, checked, fit, outcome })}
        </span>
      </div>
      {outcome === undefined ? (
        check.data !== undefined && (
          <div className="below">
            <FindingList groups={checked} />
          </div>
        )
      ) : (
        <Refused outcome={outcome} />
      )}
    </>
  );
}

function Refused({ outcome: { batch, refused } }: { readonly outcome: Outcome }) {
  return (
    <div className="below" role="alert">
      <p>
        <ViewLink to={migrationsView} search={{ batch }}>
          {create.showTaken}
        </ViewLink>
      </p>
      <FindingList groups={refused} />
    </div>
  );
}

interface State {
  readonly isCurrent: boolean;
  readonly checked: readonly Checked[];
  readonly fit: readonly Checked[];
  readonly outcome: Outcome | undefined;
}

function noteOf({ isCurrent, checked, fit, outcome }: State): string {
  if (outcome !== undefined) return create.partTaken(outcome.taken, outcome.refused.length);
  if (checked.length === 0) return create.checkHint;
  if (!isCurrent) return create.stale;
  if (fit.length === checked.length) return '';
  return fit.length === 0 ? create.allWrong : create.leftOut(checked.length - fit.length);
}

function isError({ severity }: Finding): boolean {
  return severity === 'error';
}

async function checkAll(given: readonly Wanted[], onDone: () => void): Promise<readonly Checked[]> {
  const checked: Checked[] = [];
  const waiting = given.entries();
  const work = async () => {
    for (const [at, each] of waiting) {
      checked[at] = { ...each, ...(await findingsOf(each.request)) };
      onDone();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return checked;
}

/** A request that is refused has that for its finding. */
async function findingsOf(request: object): Promise<Pick<Checked, 'findings' | 'refusal'>> {
  try {
    const options = { deadlineMs: CHECK_DEADLINE_MS };
    type Answer = { readonly findings: readonly Finding[] };
    const { findings } = await sendJson<Answer>('POST', '/jobs/preflight', request, options);
    return { findings, refusal: undefined };
  } catch (thrown) {
    const { message, facts } = toApiError(thrown);
    const finding = { code: facts.kind, severity: 'error', subject: null, message } as const;
    return { findings: [{ ...finding, remedy: null }], refusal: facts };
  }
}

interface ScheduleButtonProps {
  readonly wanted: readonly Wanted[];
  readonly isComplete: () => boolean;
  readonly obstacle: string | undefined;
}

function ScheduleButton({ wanted, isComplete, obstacle }: ScheduleButtonProps) {
  const [isOpen, setOpen] = useState(false);
  const [only] = wanted;
  const why = wanted.length === 1 ? obstacle : create.scheduleOne;
  return (
    <>
      <Button
        disabled={why !== undefined}
        title={why}
        onClick={() => isComplete() && setOpen(true)}
      >
        {create.schedule}
      </Button>
      {isOpen && only !== undefined && why === undefined && (
        <ScheduleDialog template={only.request} onClose={() => setOpen(false)} />
      )}
    </>
  );
}
