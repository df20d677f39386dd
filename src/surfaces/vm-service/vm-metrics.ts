/**
 * Counts what is asked of this surface, under the names that dashboards for this API already
 * know. Labels are closed sets: the backend's type, `force`, and the kind of the error.
 */
import type { HandlerContext } from '@connectrpc/connect';
import type { Clock } from '#kernel/clock.ts';
import { toDroverError, type ErrorKind } from '#kernel/errors.ts';
import type { Counter, Gauge, Histogram, MetricsRegistry } from '#kernel/metrics-registry.ts';
import { MACHINE_STATES, type MachineState } from '#machines/machine.ts';

/** Commands are counted by outcome and timed; the two reads are only counted. */
const COMMANDS = ['create', 'boot', 'shutdown', 'delete', 'pause', 'resume', 'reboot'] as const;
const READS = ['info', 'list'] as const;
type Command = (typeof COMMANDS)[number];
type Read = (typeof READS)[number];

/** What points at the host rather than at the caller. */
const BACKEND_FAULTS: ReadonlySet<ErrorKind> = new Set([
  'internal',
  'unavailable',
  'deadline_exceeded',
  'data_loss',
]);

const FORCES = [{ force: 'false' }, { force: 'true' }] as const;

interface CommandFamilies {
  readonly requests: Counter<string>;
  readonly success: Counter<string>;
  readonly failures: Counter<string>;
  readonly duration: Histogram<string>;
}

type Handler<Request, Answer> = (request: Request, context: HandlerContext) => Promise<Answer>;

export class VmMetrics {
  readonly #clock: Clock;
  readonly #backend: string;
  readonly #commands: ReadonlyMap<Command, CommandFamilies>;
  readonly #reads: ReadonlyMap<Read, Counter<'backend'>>;
  readonly #backendErrors: Counter<'backend' | 'operation'>;
  readonly #active: Gauge<'backend'>;
  readonly #byState: Gauge<'state'>;

  constructor(metrics: MetricsRegistry, clock: Clock, backend: string) {
    this.#clock = clock;
    this.#backend = backend;
    this.#commands = new Map(COMMANDS.map((name) => [name, commandFamilies(metrics, name)]));
    this.#reads = new Map(
      READS.map((name) => [
        name,
        metrics.counter({
          name: `unkey_metald_vm_${name}_requests_total`,
          help: `Requests to ${name === 'info' ? 'look at one VM' : 'list VMs'}.`,
          labels: ['backend'],
        }),
      ]),
    );
    this.#backendErrors = metrics.counter({
      name: 'unkey_metald_backend_errors_total',
      help: 'Requests that failed for a reason of the host, not of the caller.',
      labels: ['backend', 'operation'],
    });
    this.#active = metrics.gauge({
      name: 'unkey_metald_active_vms',
      help: 'VMs that are running or paused.',
      labels: ['backend'],
    });
    this.#byState = metrics.gauge({
      name: 'drover_machines',
      help: 'Machines by state.',
      labels: ['state'],
    });
    this.#openSeries();
  }

  /** What stands at 0 from the start can be graphed, and an alert sees the very first failure. */
  #openSeries(): void {
    const backend = this.#backend;
    for (const [operation, { requests, success, failures }] of this.#commands) {
      this.#backendErrors.inc({ backend, operation }, 0);
      for (const labels of operation === 'shutdown' ? FORCES : [{}]) {
        requests.inc({ backend, ...labels }, 0);
        success.inc({ backend, ...labels }, 0);
        for (const kind of BACKEND_FAULTS) {
          failures.inc({ backend, ...labels, error_type: kind }, 0);
        }
      }
    }
    for (const requests of this.#reads.values()) requests.inc({ backend }, 0);
  }

  setCounts(counts: Readonly<Record<MachineState, number>>): void {
    for (const state of MACHINE_STATES) this.#byState.set({ state }, counts[state]);
    this.#active.set({ backend: this.#backend }, counts.running + counts.paused);
  }

  read<Request, Answer>(name: Read, handler: Handler<Request, Answer>): Handler<Request, Answer> {
    return async (request, context) => {
      this.#reads.get(name)?.inc({ backend: this.#backend });
      return await handler(request, context);
    };
  }

  command<Request extends object, Answer>(
    name: Command,
    handler: Handler<Request, Answer>,
  ): Handler<Request, Answer> {
    const families = this.#commands.get(name);
    if (families === undefined) return handler;
    return async (request, context) => {
      const labels = {
        backend: this.#backend,
        ...(name === 'shutdown'
          ? { force: String('force' in request && request.force === true) }
          : {}),
      };
      const startedMs = this.#clock.monotonicMs();
      families.requests.inc(labels);
      try {
        const answer = await handler(request, context);
        families.success.inc(labels);
        families.duration.observe(labels, (this.#clock.monotonicMs() - startedMs) / 1000);
        return answer;
      } catch (thrown) {
        const { kind } = toDroverError(thrown);
        families.failures.inc({ ...labels, error_type: kind });
        if (BACKEND_FAULTS.has(kind)) {
          this.#backendErrors.inc({ backend: this.#backend, operation: name });
        }
        throw thrown;
      }
    };
  }
}

function commandFamilies(metrics: MetricsRegistry, name: Command): CommandFamilies {
  const labels = name === 'shutdown' ? ['backend', 'force'] : ['backend'];
  const prefix = `unkey_metald_vm_${name}`;
  return {
    requests: metrics.counter({
      name: `${prefix}_requests_total`,
      help: `Requests to ${name} a VM.`,
      labels,
    }),
    success: metrics.counter({
      name: `${prefix}_success_total`,
      help: `Requests to ${name} a VM that succeeded.`,
      labels,
    }),
    failures: metrics.counter({
      name: `${prefix}_failures_total`,
      help: `Requests to ${name} a VM that failed, by the kind of the error.`,
      labels: [...labels, 'error_type'],
    }),
    duration: metrics.histogram({
      name: `${prefix}_duration_seconds`,
      help: `How long successful requests to ${name} a VM took.`,
      labels,
    }),
  };
}
