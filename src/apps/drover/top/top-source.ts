/** Asks the server for all that `drover top` shows; what this server does not have is left out. */
import type { JsonClient } from '#apps/drover/client/json-client.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { ErrorKind } from '#kernel/errors.ts';
import { parseHostState, parseProcesses, parseVector } from './top-answer.ts';
import type { HostState, ProcessState, QueriedValue } from './top-answer.ts';

export type TopOrder = 'cpu' | 'memory';

export interface TopAnswer {
  /** By the clock of this process: when the server took the sample. */
  readonly sampledAtMs: number;
  readonly sampleAgeMs: number | undefined;
  readonly host: HostState | undefined;
  readonly processes: readonly ProcessState[] | undefined;
  readonly values: readonly QueriedValue[] | undefined;
}

export interface TopQuestion {
  readonly by: TopOrder;
  readonly processLimit: number;
}

/** Names as on the server; one query for all of them. */
export const METRICS = {
  cpu: 'drover_cpu_usage_percent',
  uptime: 'drover_uptime_seconds',
  filesystem: 'drover_filesystem_used_percent',
  inodes: 'drover_filesystem_inodes_used_percent',
  machineCpu: 'drover_machine_cpu_usage_percent',
  machineMemory: 'drover_machine_memory_bytes',
} as const;
const QUERY = `{__name__=~"${Object.values(METRICS).join('|')}"}`;

/** The server has no such thing, or not for this caller: the rest can still be shown. */
const IS_ABSENCE: readonly ErrorKind[] = [
  ...(['not_found', 'unimplemented', 'permission_denied'] as const),
  ...(['invalid_argument', 'failed_precondition'] as const),
];

export async function readTop(
  { client, clock, signal }: { client: JsonClient; clock: Clock; signal: AbortSignal },
  { by, processLimit }: TopQuestion,
): Promise<TopAnswer> {
  const refusals: DroverError[] = [];
  const ask = async (path: string) => {
    try {
      const answer = await client.get(path, signal);
      return { ...answer, heardAtMs: clock.monotonicMs() };
    } catch (thrown) {
      if (!(thrown instanceof DroverError) || !IS_ABSENCE.includes(thrown.kind)) throw thrown;
      refusals.push(thrown);
      return undefined;
    }
  };
  const [host, processes, values] = await Promise.all([
    ask('/get'),
    ask(`/api/v1/processes?by=${by}&limit=${processLimit}`),
    ask(`/api/v1/query?query=${encodeURIComponent(QUERY)}`),
  ]);
  const [refusal] = refusals;
  if (refusals.length === 3 && refusal !== undefined) throw refusal;
  const age = Number(host?.headers['x-sample-age-ms'] ?? NaN);
  const sampleAgeMs = Number.isFinite(age) ? age : undefined;
  const state = host === undefined ? undefined : parseHostState(host.body);
  return {
    sampledAtMs: (host?.heardAtMs ?? clock.monotonicMs()) - (sampleAgeMs ?? 0),
    sampleAgeMs,
    host: state,
    processes: processes === undefined ? undefined : parseProcesses(processes.body),
    values:
      values === undefined
        ? undefined
        : parseVector(values.body).filter((value) => isShown(value, state?.instanceId)),
  };
}

/** A server may keep the values of other hosts too; their machines are of interest. */
function isShown({ labels }: QueriedValue, instanceId: string | undefined): boolean {
  const { instance } = labels;
  if (instance === undefined || instanceId === undefined) return true;
  return instance === instanceId || labels['machine_id'] !== undefined;
}
