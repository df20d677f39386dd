/** The stages in their order, and where it is. Those that were not needed were passed over. */
import { Status, type StatusKind } from '#web/components/Status.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import type { Job } from './wire.ts';

const STAGES = Object.entries(MIGRATIONS.stages).map(([id, { title }]) => ({ id, title }));

export function StageStrip({ job }: { readonly job: Job }) {
  const { status, progress } = job;
  const found = STAGES.findIndex(({ id }) => id === progress.stage);
  const at = status === 'completed' ? STAGES.length : found;
  const { stageStates } = MIGRATIONS;
  const looks = (place: number): readonly [StatusKind, string] => {
    if (place < at) return ['ok', stageStates.done];
    if (place > at) return ['idle', stageStates.ahead];
    return status === 'failed' ? ['error', stageStates.failed] : ['busy', stageStates.now];
  };
  return (
    <ol className="stages" aria-label={MIGRATIONS.stagesLabel}>
      {STAGES.map(({ id, title }, place) => {
        const [kind, words] = looks(place);
        return (
          <li key={id} aria-current={place === at ? 'step' : undefined}>
            <Status kind={kind} isCompact>
              {words}
            </Status>
            {title}
          </li>
        );
      })}
    </ol>
  );
}
