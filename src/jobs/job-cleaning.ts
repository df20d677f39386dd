/** Removes what a job left that has ended, because somebody asked for it. */
import type { Clock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import type { JobId } from '#kernel/ids.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import { openContext } from './job-context.ts';
import type { JobHandler } from './job-handler.ts';
import { JobJournal } from './job-journal.ts';
import { assertAllowed, CLEANING_MS, jobNotFoundError } from './job-rules.ts';
import type { HistoryDraft } from './job-history.ts';
import type { JobStore } from './job-store.ts';
import { toPlainText } from './plain-json.ts';
import { Stopper } from './stopper.ts';

const MOST_TOLD = 2000;

export interface CleaningParts {
  readonly store: JobStore;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly handler: JobHandler;
  readonly holder: string;
}

/** What was removed, in words. */
export async function cleanUpAfter(parts: CleaningParts, id: JobId): Promise<readonly string[]> {
  const { store, clock, handler, holder } = parts;
  const claim = await store.beginCleaning(id, { holder, nowMs: clock.nowMs(), forMs: CLEANING_MS });
  if (claim === undefined) throw jobNotFoundError(id);
  let cleaned: HistoryDraft | undefined;
  try {
    assertAllowed('clean', claim.job);
    const stopper = new Stopper();
    using _limit = clock.after(CLEANING_MS, () => stopper.stop('lease-lost'));
    const quiet = { ...parts, log: silentLog, onLost: () => undefined };
    const common = { ...quiet, lanes: {}, journal: new JobJournal(quiet) };
    const context = openContext(common, {
      ...{ claim, stopper, lease: { id, holder, attempt: claim.job.attempt } },
      controls: () => claim.job.controls,
      onLane: () => undefined,
      onLeaveSlot: () => undefined,
      checkpoint: () => claim.checkpoint,
      onCheckpoint: () => undefined,
      onLost: () => stopper.stop('lease-lost'),
    });
    const removed = await handler.cleanUp(context);
    const what = removed.length === 0 ? 'nothing was left' : `removed: ${removed.join(', ')}`;
    const message = toPlainText(`cleaned up; ${what}`, MOST_TOLD);
    cleaned = { at: clock.nowMs(), kind: 'cleaned', attempt: claim.job.attempt, message };
    return removed;
  } finally {
    await store.endCleaning(id, holder, cleaned);
  }
}
