/** Submits what was found fit, and says which of it was refused all the same. */
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { useGo } from '#web/app/use-view.ts';
import { Button } from '#web/components/Button.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { refusalsOf, type Wanted } from './refusals.ts';
import type { FindingGroup } from './FindingList.tsx';
import { migrationView, migrationsView } from './view.ts';

const { create } = MIGRATIONS;

interface Submitted {
  readonly job_ids: readonly string[];
  readonly errors?: readonly string[];
}

export interface Outcome {
  readonly batch: string;
  readonly taken: number;
  readonly refused: readonly FindingGroup[];
}

export interface StartButtonProps {
  readonly wanted: readonly Wanted[];
  /** Some were refused; otherwise one is shown what was started. */
  readonly onPart: (outcome: Outcome) => void;
}

export function StartButton({ wanted, onPart }: StartButtonProps) {
  const go = useGo();
  const starting = useAction({
    run: async (sent: readonly Wanted[]) => {
      const batch = `page-${Date.now().toString(36)}`;
      const jobs = sent.map(({ request }) => request);
      const body =
        jobs.length === 1 ? jobs[0] : { jobs: jobs.map((job) => ({ ...job, batch_id: batch })) };
      return { ...(await sendJson<Submitted>('POST', '/jobs/submit', body)), batch };
    },
    done: ({ job_ids: ids }) => create.started(ids.length),
    invalidates: [queryKeys.migrationJobs, queryKeys.migrationStatus],
    onDone: ({ job_ids: ids, errors = [], batch }, sent) => {
      const [only] = ids;
      if (errors.length > 0) {
        onPart({ batch, taken: ids.length, refused: refusalsOf(errors, sent) });
      } else if (ids.length === 1 && only !== undefined) {
        go({ view: migrationView, params: { id: only } });
      } else {
        go({ view: migrationsView, search: { batch } });
      }
    },
  });
  return (
    <Button kind="primary" isBusy={starting.isBusy} onClick={() => starting.run(wanted)}>
      {create.start(wanted.length)}
    </Button>
  );
}
