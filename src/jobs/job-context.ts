/** What a handler is given for one attempt. */
import type { Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { JobContext } from './job-handler.ts';
import type { JobJournal } from './job-journal.ts';
import { isWorthRetrying, leaseLostError } from './job-retry.ts';
import type { Claim, JobStore, Lease } from './job-store.ts';
import type { JsonObject } from './job.ts';
import { laneLimit, type LaneLimits } from './lane-limits.ts';
import { secretsPlace } from './new-job.ts';
import { toPlainJson } from './plain-json.ts';
import type { Stopper } from './stopper.ts';

const MOST_CHECKPOINT_BYTES = 8 * 1024 * 1024;
/** Between two looks whether a lane has room, or a database is back. */
const PAUSE_MS = SECOND_MS;

/** The same for all. */
export interface ContextParts {
  readonly store: JobStore;
  readonly secretBox: SecretBox;
  readonly journal: JobJournal;
  readonly clock: Clock;
  readonly log: Log;
  readonly lanes: LaneLimits;
}

/** What is one attempt's. */
interface ContextOwner {
  readonly claim: Claim;
  readonly lease: Lease;
  readonly stopper: Stopper;
  readonly onLeaveSlot: () => void;
  readonly controls: () => JsonObject;
  readonly onLane: () => void;
  readonly checkpoint: () => unknown;
  readonly onCheckpoint: (checkpoint: unknown) => void;
  readonly onLost: () => void;
}

export function openContext(parts: ContextParts, owner: ContextOwner): JobContext {
  const { store, journal, clock, lanes } = parts;
  const { claim, lease, stopper } = owner;
  const { job } = claim;
  return {
    job,
    secrets: openSecrets(claim, parts.secretBox),
    get signal() {
      return stopper.signal;
    },
    stopReason: () => stopper.reason,
    get checkpoint() {
      return owner.checkpoint();
    },
    async saveCheckpoint(saved) {
      const text = toPlainJson(saved, 'the checkpoint', MOST_CHECKPOINT_BYTES);
      const isOurs = await insist(parts, owner, () =>
        store.saveCheckpoint(lease, text, clock.nowMs()),
      );
      if (!isOurs) {
        owner.onLost();
        throw leaseLostError();
      }
      owner.onCheckpoint(JSON.parse(text));
    },
    report: (progress) => journal.report(job, lease, progress),
    log: (level, text) => journal.log(job, lease, { level, text }),
    controls: owner.controls,
    leaveSlot: owner.onLeaveSlot,
    async enterLane(lane) {
      const limit = laneLimit(lanes, lane);
      if (limit === Infinity) return;
      owner.onLane();
      while (!(await insist(parts, owner, () => store.enterLane(lease, lane, limit)))) {
        await clock.sleep(PAUSE_MS, stopper.signal);
        stopper.signal.throwIfAborted();
      }
    },
  };
}

/**
 * A database that is away for a while costs time, not the attempt. How long that may be the lease
 * decides: when it is over, the signal says so. What is asked for after a stop is tried once.
 */
async function insist<T>(
  { clock, log }: ContextParts,
  { stopper, lease }: ContextOwner,
  call: () => Promise<T>,
): Promise<T> {
  for (;;) {
    if (stopper.reason === 'lease-lost') throw leaseLostError();
    try {
      return await call();
    } catch (thrown) {
      const error = toDroverError(thrown);
      const isOver = stopper.signal.aborted || error.reason === 'LEASE_LOST';
      if (isOver || !isWorthRetrying(error)) throw error;
      log.warn({ error, job: lease.id }, 'the database does not take what a job has; trying again');
      await clock.sleep(PAUSE_MS, stopper.signal).catch(() => undefined);
    }
  }
}

function openSecrets({ job }: Claim, secretBox: SecretBox): Readonly<Record<string, string>> {
  const { id, sealedSecrets } = job;
  if (sealedSecrets === undefined) return {};
  return JSON.parse(secretBox.open(sealedSecrets, secretsPlace(id))) as Record<string, string>;
}
