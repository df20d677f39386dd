/** Servers as the API answers them. */

/** Where its numbers come from, at `/api/v1/servers`. */
export interface WireSource {
  readonly kind: string;
  readonly url?: string;
  readonly instance?: string;
  readonly node?: string | null;
  readonly has_secret?: boolean;
  readonly insecure?: boolean;
  readonly thumbprint?: string | null;
  readonly ca?: string | null;
}

export interface WireServer {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly origin: string;
  readonly sources: readonly WireSource[];
}

/** How it is, in the list at `/api/servers`. */
export interface WireServerState {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly status: string;
  readonly reasons: readonly string[];
  readonly last_updated: string | null;
  readonly cpu_usage: number | null;
  readonly memory_usage: number | null;
  readonly gpu_usage: number | null;
  readonly running_vms: number | null;
  readonly vm_count: number | null;
  readonly alerts: number;
  readonly sources: readonly WireSourceState[];
}

export interface WireSourceState {
  readonly kind: string;
  readonly label: string;
  readonly last_answer: string | null;
  readonly error: string | null;
}

export interface WireTest {
  readonly works: boolean;
  readonly sources: readonly {
    readonly kind: string;
    readonly label: string | null;
    readonly error: string | null;
    readonly trouble: string | null;
    readonly response_ms: number | null;
    readonly tells: readonly string[];
  }[];
}

export const SERVERS = '/api/v1/servers';
export const SERVER_STATES = '/api/servers';

export function serverPath(id: string): string {
  return `${SERVERS}/${encodeURIComponent(id)}`;
}

/** The gravest first, and of equals those with the most alerts, then those that work hardest. */
const GRAVITY = ['offline', 'error', 'warning', 'online'];

export function byAttention(one: WireServerState, other: WireServerState): number {
  const busiest = ({ cpu_usage: cpu, memory_usage: memory }: WireServerState) =>
    Math.max(cpu ?? 0, memory ?? 0);
  return (
    GRAVITY.indexOf(one.status) - GRAVITY.indexOf(other.status) ||
    other.alerts - one.alerts ||
    busiest(other) - busiest(one) ||
    (one.id < other.id ? -1 : 1)
  );
}
