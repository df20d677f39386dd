/** What is counted of one app as it happens, until somebody asks for the metrics. */
import type { EndReason } from '#workers/worker-view.ts';
import { DurationTally } from './duration-tally.ts';
import type { Outcome } from './work.ts';

export type StartKind = 'cold' | 'warm';

export class AppMeter {
  readonly queueWait = new DurationTally();
  readonly run = new DurationTally();
  readonly starts: Record<StartKind, DurationTally> = {
    cold: new DurationTally(),
    warm: new DurationTally(),
  };
  #outcomes = new Map<Outcome, number>();
  #ends = new Map<EndReason, number>();
  #failedStarts = 0;

  /** A warm start is a worker that was there already and loads the app. */
  started(kind: StartKind, ms: number): void {
    this.starts[kind].add(ms);
  }

  startFailed(): void {
    this.#failedStarts += 1;
  }

  done(outcome: Outcome): void {
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
  }

  ended(reason: EndReason): void {
    this.#ends.set(reason, (this.#ends.get(reason) ?? 0) + 1);
  }

  /** These answer what was counted since they were last asked. */
  takeOutcomes(): ReadonlyMap<Outcome, number> {
    const outcomes = this.#outcomes;
    this.#outcomes = new Map();
    return outcomes;
  }

  takeEnds(): ReadonlyMap<EndReason, number> {
    const ends = this.#ends;
    this.#ends = new Map();
    return ends;
  }

  takeFailedStarts(): number {
    const count = this.#failedStarts;
    this.#failedStarts = 0;
    return count;
  }
}
