/**
 * What a guest uses, in one pass: two small files of /proc, one question to QEMU, four counters
 * per tap. Taken at most once a second however many ask. What nobody counts stays undefined.
 */
import { readFile } from 'node:fs/promises';

import { openDeadline, untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import type { GuestStats } from '#machines/hypervisor.ts';
import {
  NANOS_PER_TICK,
  PAGE_BYTES,
  readProcessStat,
  type ProcessIdentity,
} from './process-table.ts';
import type { QmpBlockStats } from './qmp-commands.ts';

const DEADLINE_MS = 500;
const FRESH_MS = 500;
const NET_COUNTERS = ['tx_bytes', 'rx_bytes', 'tx_packets', 'rx_packets'] as const;

export interface GuestStatsSource {
  readonly clock: Clock;
  readonly identity: ProcessIdentity;
  /** Undefined when the guest's network is not made of taps. */
  readonly tapDevices: readonly string[] | undefined;
  readonly blockStats: (signal: AbortSignal) => Promise<readonly QmpBlockStats[]>;
}

type NetStats = Pick<GuestStats, 'netRxBytes' | 'netTxBytes' | 'netRxPackets' | 'netTxPackets'>;

export class GuestStatsReader {
  readonly #source: GuestStatsSource;
  #last: { readonly stats: GuestStats; readonly takenMs: number } | undefined;
  #pending: Promise<GuestStats> | undefined;

  constructor(source: GuestStatsSource) {
    this.#source = source;
  }

  async read(signal: AbortSignal): Promise<GuestStats> {
    const { clock } = this.#source;
    const last = this.#last;
    if (last !== undefined && clock.monotonicMs() - last.takenMs < FRESH_MS) return last.stats;
    this.#pending ??= this.#take().finally(() => {
      this.#pending = undefined;
    });
    return await untilAborted(this.#pending, signal);
  }

  async #take(): Promise<GuestStats> {
    const { clock, identity, tapDevices, blockStats } = this.#source;
    using deadline = openDeadline(clock, DEADLINE_MS, 'reading what the VM uses');
    const [stat, blocks, net] = await untilAborted(
      Promise.all([
        readProcessStat(identity.pid),
        blockStats(deadline.signal),
        readNetStats(tapDevices),
      ]),
      deadline.signal,
    );
    if (stat === undefined || stat.startTicks !== identity.startTicks) {
      throw new DroverError('unavailable', 'the process of the VM is gone', {
        reason: 'GUEST_GONE',
      });
    }
    const takenMs = clock.monotonicMs();
    const cpuTimeNanos = stat.cpuTicks * NANOS_PER_TICK;
    const stats: GuestStats = {
      cpuTimeNanos,
      cpuPercent: this.#cpuPercent(cpuTimeNanos, takenMs),
      memoryBytes: stat.residentPages * PAGE_BYTES,
      diskReadBytes: sum(blocks, (block) => block.readBytes),
      diskWriteBytes: sum(blocks, (block) => block.writeBytes),
      diskReadOps: sum(blocks, (block) => block.readOps),
      diskWriteOps: sum(blocks, (block) => block.writeOps),
      ...net,
      sampledAt: clock.nowMs(),
    };
    this.#last = { stats, takenMs };
    return stats;
  }

  #cpuPercent(cpuTimeNanos: number, takenMs: number): number | undefined {
    const last = this.#last;
    if (last === undefined || takenMs <= last.takenMs) return undefined;
    const usedMs = (cpuTimeNanos - last.stats.cpuTimeNanos) / 1e6;
    return (100 * usedMs) / (takenMs - last.takenMs);
  }
}

function sum(blocks: readonly QmpBlockStats[], valueOf: (block: QmpBlockStats) => number): number {
  return blocks.reduce((total, block) => total + valueOf(block), 0);
}

/** What the host sent into a tap is what the guest received. */
async function readNetStats(tapDevices: readonly string[] | undefined): Promise<NetStats> {
  const perTap = await Promise.all((tapDevices ?? []).map(readTap));
  const known = perTap.filter((tap) => tap !== undefined);
  const isKnown = tapDevices !== undefined && known.length === perTap.length;
  const total = (at: number) =>
    isKnown ? known.reduce((amount, counters) => amount + (counters[at] ?? 0), 0) : undefined;
  return {
    netRxBytes: total(0),
    netTxBytes: total(1),
    netRxPackets: total(2),
    netTxPackets: total(3),
  };
}

async function readTap(device: string): Promise<readonly number[] | undefined> {
  try {
    const read = (counter: string) =>
      readFile(`/sys/class/net/${device}/statistics/${counter}`, 'utf8');
    return (await Promise.all(NET_COUNTERS.map(read))).map(Number);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}
