/**
 * The life of a worker: one member of the pool, a process or a thread.
 *
 *               ┌── specialise ──┐
 *               ▼                │
 *   creating ── started ──▶ ready ── begin ──▶ active ── settle ──▶ idle
 *      │                      │                ▲  │ ▲               │  │
 *      │                      │           begin└──┘ └──── begin ────┘  │
 *      └───────────┬──────────┴──────────────────┴──────────┬──────────┘
 *                  └─────────────────── end ────────────────┘
 *                                        ▼
 *                                   terminated
 *
 * What always holds:
 * - total = active + idle + creating, where `ready` counts as idle and `terminated` not at all.
 * - `active` is the state of exactly those workers that have work in flight.
 * - A generic worker is `ready` and belongs to no app; when an app takes it over it is `creating`
 *   until the app's code is loaded, since nothing can be asked of it meanwhile.
 * - Nothing leaves `terminated`. Such workers are shown for a while and count for nothing.
 */

export const WORKER_STATES = ['creating', 'ready', 'active', 'idle', 'terminated'] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

/**
 * - `started`: the member answers; with its app loaded, if it has one.
 * - `specialise`: an app takes over a generic worker.
 * - `begin`: work is handed to it.
 * - `settle`: the last work in flight ended.
 * - `end`: it left, or was made to.
 */
export type WorkerStep = 'started' | 'specialise' | 'begin' | 'settle' | 'end';

/** Undefined is a step that cannot happen in that state: a bug of the pool. */
const TRANSITIONS = {
  creating: {
    started: 'ready',
    specialise: undefined,
    begin: undefined,
    settle: undefined,
    end: 'terminated',
  },
  ready: {
    started: undefined,
    specialise: 'creating',
    begin: 'active',
    settle: undefined,
    end: 'terminated',
  },
  active: {
    started: undefined,
    specialise: undefined,
    begin: 'active',
    settle: 'idle',
    end: 'terminated',
  },
  idle: {
    started: undefined,
    specialise: undefined,
    begin: 'active',
    settle: undefined,
    end: 'terminated',
  },
  terminated: {
    started: undefined,
    specialise: undefined,
    begin: undefined,
    settle: undefined,
    end: undefined,
  },
} satisfies Record<WorkerState, Record<WorkerStep, WorkerState | undefined>>;

/** Undefined when the step cannot happen in this state. */
export function nextWorkerState(state: WorkerState, step: WorkerStep): WorkerState | undefined {
  return TRANSITIONS[state][step];
}

/** Which of the three numbers of the pool a worker in this state counts for. */
export const COUNTED_AS = {
  creating: 'creating',
  ready: 'idle',
  active: 'active',
  idle: 'idle',
  terminated: undefined,
} satisfies Record<WorkerState, 'creating' | 'idle' | 'active' | undefined>;
