/**
 * Whether measuring works, by rules:
 *
 *   metrics_collection   degraded when the newest sample is older than two intervals (at least
 *                        2 s), error beyond five intervals (at least 5 s) or without any sample
 *   event_publishing     as whoever publishes says
 *   api                  ok: it is answering
 *
 * The whole is as bad as its worst part.
 */
import type { Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { Sampler } from './sampler.ts';

const STATUSES = ['ok', 'degraded', 'error'] as const;
export type HealthStatus = (typeof STATUSES)[number];

export interface ComponentHealth {
  readonly status: HealthStatus;
  readonly lastSuccessMs: number | undefined;
  /** A sentence for people. */
  readonly details: string;
}

export interface HealthReport {
  readonly status: HealthStatus;
  readonly uptimeSeconds: number;
  readonly components: readonly (ComponentHealth & { readonly name: string })[];
}

export interface CollectionHealthParts {
  readonly clock: Clock;
  readonly sampler: Sampler;
  /** How delivering events stands. */
  readonly publishing: () => Promise<ComponentHealth>;
}

/** How old a sample may be: in intervals, but never less than so many seconds. */
const DEGRADED_AFTER = 2;
const ERROR_AFTER = 5;

export class CollectionHealth {
  readonly #parts: CollectionHealthParts;
  readonly #startedMs: number;

  constructor(parts: CollectionHealthParts) {
    this.#parts = parts;
    this.#startedMs = parts.clock.monotonicMs();
  }

  async report(): Promise<HealthReport> {
    const components = [
      { name: 'metrics_collection', ...this.#collection() },
      { name: 'event_publishing', ...(await this.#publishing()) },
      {
        name: 'api',
        status: 'ok',
        lastSuccessMs: undefined,
        details: 'API is responding to requests',
      } as const,
    ];
    const worst = Math.max(...components.map(({ status }) => STATUSES.indexOf(status)));
    return {
      status: STATUSES[worst] ?? 'error',
      uptimeSeconds: Math.floor((this.#parts.clock.monotonicMs() - this.#startedMs) / SECOND_MS),
      components,
    };
  }

  #collection(): ComponentHealth {
    const { clock, sampler } = this.#parts;
    const { latest, intervalMs } = sampler;
    // Before the first sample, time counts from the start: it takes a moment, not for ever.
    const ageMs = clock.monotonicMs() - (latest?.monotonicMs ?? this.#startedMs);
    const status = statusOfAge(ageMs, intervalMs);
    const lastSuccessMs = latest?.atMs;
    if (lastSuccessMs === undefined) {
      return { status, lastSuccessMs, details: 'No sample has been taken yet' };
    }
    const at = Math.floor(lastSuccessMs / SECOND_MS);
    const late = status === 'ok' ? '' : `, ${(ageMs / SECOND_MS).toFixed(1)} s ago`;
    const details = `Last metrics collection at timestamp ${at}${late}`;
    return { status, lastSuccessMs, details };
  }

  async #publishing(): Promise<ComponentHealth> {
    try {
      return await this.#parts.publishing();
    } catch (thrown) {
      const { kind } = toDroverError(thrown);
      const details = `The state of deliveries cannot be read (${kind}); see the log`;
      return { status: 'error', lastSuccessMs: undefined, details };
    }
  }
}

function statusOfAge(ageMs: number, intervalMs: number): HealthStatus {
  const stepMs = Math.max(intervalMs, SECOND_MS);
  if (ageMs > ERROR_AFTER * stepMs) return 'error';
  return ageMs > DEGRADED_AFTER * stepMs ? 'degraded' : 'ok';
}
