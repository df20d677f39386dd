/** The machines of this host, as guests of the server that it is. */
import type { HostId, MachineId } from '#kernel/ids.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import type { Clock } from '#kernel/clock.ts';
import type { GuestReading } from '#fleet/server-reading.ts';
import type { MachineStore } from '#machines/machine-store.ts';
import type { Machine, MachineState } from '#machines/machine.ts';
import type { MachineReading } from '#metrics/host-readings.ts';

export interface LocalGuestsParts {
  readonly clock: Clock;
  readonly hostId: HostId;
  readonly store: Pick<MachineStore, 'listByHost'>;
  /** Of the last sample. */
  readonly readings: () => readonly MachineReading[];
}

const PAGE = 500;
/** Ten thousand machines: more than a host carries. */
const MOST_PAGES = 20;
/** Which machines there are changes seldom, and costs a query; how they do changes each second. */
const LIST_MS = 5 * SECOND_MS;
const STATUS: Readonly<Record<MachineState, string>> = {
  created: 'stopped',
  running: 'running',
  paused: 'paused',
  shutdown: 'stopped',
};

export function createLocalGuests(
  parts: LocalGuestsParts,
): (signal: AbortSignal) => Promise<readonly GuestReading[]> {
  const { clock, hostId, store, readings } = parts;
  let machines: readonly Machine[] = [];
  let listedAtMs = -Infinity;
  return async () => {
    if (clock.monotonicMs() - listedAtMs >= LIST_MS) {
      machines = await listAll(store, hostId);
      listedAtMs = clock.monotonicMs();
    }
    const byId = new Map<MachineId, MachineReading>();
    for (const reading of readings()) byId.set(reading.machineId, reading);
    return machines
      .filter(({ isDeleting }) => !isDeleting)
      .map((machine) => toGuest(machine, byId.get(machine.id), clock.nowMs()));
  };
}

async function listAll(
  store: LocalGuestsParts['store'],
  hostId: HostId,
): Promise<readonly Machine[]> {
  const all: Machine[] = [];
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const page = await store.listByHost(hostId, all.at(-1)?.id ?? '', PAGE);
    all.push(...page);
    if (page.length < PAGE) break;
  }
  return all;
}

function toGuest(
  { id, spec, state, bootedAt }: Machine,
  reading: MachineReading | undefined,
  nowMs: number,
): GuestReading {
  const usage = reading?.cpuUsageBps;
  return {
    ...{ id, name: spec.metadata['name'] ?? id, status: STATUS[state] },
    cpuPercent: usage === undefined ? undefined : usage / 100,
    memoryUsedBytes: reading?.memory?.usedBytes,
    memoryTotalBytes: spec.memoryMib * MIB,
    // What is in its files is known inside only.
    diskUsedBytes: undefined,
    diskTotalBytes: undefined,
    uptimeSeconds: bootedAt === undefined ? undefined : Math.max(0, (nowMs - bootedAt) / 1000),
  };
}
