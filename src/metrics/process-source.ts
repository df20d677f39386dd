/** The port to whoever can list the processes of the host. */

export type ProcessOrder = 'cpu' | 'memory';

export interface ProcessReading {
  readonly pid: number;
  readonly name: string;
  /** Undefined when the process ended before it was asked. */
  readonly userId: number | undefined;
  /** Hundredths of a percent of one processor: 20000 is two of them busy. */
  readonly cpuBps: number;
  readonly memoryBytes: number;
  /** The kernel's letter: R, S, D, Z… */
  readonly state: string;
  readonly threads: number;
}

export interface TopProcessesQuery {
  readonly by: ProcessOrder;
  readonly limit: number;
}

export interface ProcessSource {
  /** The greatest first. Taken when asked for, so it costs nothing otherwise. */
  top(query: TopProcessesQuery, signal: AbortSignal): Promise<readonly ProcessReading[]>;
}
