/** Each disk on its way: how far, how fast, how long still. */
import { useState } from 'react';
import { useNow } from '#web/app/use-now.ts';
import { ProgressBar, type ProgressBarProps } from '#web/components/ProgressBar.tsx';
import { Section } from '#web/components/Section.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { markDisks, rateOf, type DiskMarks } from './disk-rates.ts';
import type { Job } from './wire.ts';

export function DiskList({ job }: { readonly job: Job }) {
  const { progress } = job;
  const nowMs = useNow();
  const marks = useDiskMarks(job, nowMs);
  const state = barState(job);
  const isOne = progress.disks.length === 1;
  if (progress.disks.length === 0) {
    return (
      <Section title={MIGRATIONS.disks.title}>
        <p className="quiet">{MIGRATIONS.disks.none}</p>
      </Section>
    );
  }
  return (
    <Section title={titleOf(job)} beside={<span className="quiet">{progress.current_step}</span>}>
      <dl className="disks">
        {!isOne && (
          <>
            <dt className="whole">{MIGRATIONS.disks.all}</dt>
            <dd>
              <ProgressBar
                label={MIGRATIONS.disks.all}
                doneBytes={progress.current_bytes}
                totalBytes={progress.total_bytes}
                bytesPerS={progress.bytes_per_second}
                state={state}
              />
            </dd>
          </>
        )}
        {progress.disks.map(({ name, current_bytes: done, total_bytes: total }) => (
          <Disk
            key={name}
            label={name}
            doneBytes={done}
            totalBytes={total}
            bytesPerS={rateOf(marks.get(name), nowMs) ?? (isOne ? progress.bytes_per_second : null)}
            state={state === 'running' && done === total ? 'done' : state}
          />
        ))}
      </dl>
    </Section>
  );
}

function Disk(props: ProgressBarProps) {
  return (
    <>
      <dt title={props.label}>{props.label}</dt>
      <dd>
        <ProgressBar {...props} />
      </dd>
    </>
  );
}

interface Seen {
  readonly at: string;
  readonly marks: DiskMarks;
}

/** Since the view was opened. */
function useDiskMarks({ progress, updated_at: at }: Job, nowMs: number): DiskMarks {
  const [seen, setSeen] = useState<Seen>({ at: '', marks: new Map() });
  if (seen.at === at) return seen.marks;
  const marks = markDisks(seen.marks, progress.disks, nowMs);
  setSeen({ at, marks });
  return marks;
}

function titleOf({ status, progress: { stage } }: Job): string {
  const { disks } = MIGRATIONS;
  if (status !== 'running') return disks.title;
  return isMoving(stage) ? disks[MOVING[stage]] : disks.title;
}

/** Stages in which bytes move, and what they are called here. */
const MOVING = { transfer: 'copying', verify: 'checking', send: 'sending' } as const;

function isMoving(stage: string): stage is keyof typeof MOVING {
  return Object.hasOwn(MOVING, stage);
}

function barState({ status, progress: { stage } }: Job): NonNullable<ProgressBarProps['state']> {
  switch (status) {
    case 'pending':
      return 'waiting';
    case 'running':
      return isMoving(stage) ? 'running' : 'waiting';
    case 'completed':
      return 'done';
    case 'failed':
    case 'cancelled':
      return 'failed';
  }
}
