/**
 * How the network interfaces are set up. Their state and the count of its changes are read in
 * every tick; when one of them changes, and seldom otherwise, so is all the rest.
 */
import type { Collector, Tick } from '#metrics/collector.ts';
import {
  type CollectorContext,
  createCollector,
  SELDOM_MS,
  SeldomTurn,
} from './collector-context.ts';
import { declareNetAttributes, type NetAttributes } from './net-attributes.ts';
import type { NetDeviceTable } from './net-device-table.ts';
import { NamedRows } from './named-rows.ts';
import type { ProcFile } from './proc-file.ts';
import { listSysfsDir } from './sysfs-file.ts';

/** More interfaces than this are looked through again over several ticks. */
const REFRESHES_A_TICK = 16;

interface Device {
  readonly directory: string;
  readonly attributes: NetAttributes;
  readonly state: ProcFile;
  readonly changes: ProcFile;
  lastState: Buffer;
  lastChanges: number;
  refreshAtMs: number;
}

export function createNetclassCollector(
  context: CollectorContext,
  table: NetDeviceTable,
): Collector {
  const root = `${context.sysRoot}/class/net`;
  const createAttributes = declareNetAttributes(context.table);
  const turn = new SeldomTurn();
  const devices = new NamedRows<Device>(
    (name) => openDevice(context, `${root}/${name}`, createAttributes(name)),
    closeDevice,
  );
  let listed: readonly Device[] = [];
  let changes = 0;
  const list = () => {
    devices.begin();
    for (const name of listSysfsDir(root)) devices.takeName(name);
    devices.end();
    listed = [...devices.rows()];
  };
  return createCollector({
    name: 'netclass',
    files: [table],
    dispose: () => devices.clear(),
    collect(tick) {
      table.read(tick);
      if (table.changes !== changes) {
        changes = table.changes;
        turn.hasten();
      }
      if (turn.isDue(tick)) list();
      let refreshes = 0;
      for (const device of listed) {
        const isNew = device.refreshAtMs === -Infinity;
        const isDue = tick.monotonicMs >= device.refreshAtMs && refreshes < REFRESHES_A_TICK;
        if (hasChanged(device, tick) || isNew || isDue) {
          refreshes += 1;
          device.refreshAtMs = tick.monotonicMs + SELDOM_MS;
          device.attributes.refresh(device.directory);
        }
        device.attributes.set();
      }
    },
  });
}

function openDevice(
  { reader }: CollectorContext,
  directory: string,
  attributes: NetAttributes,
): Device {
  return {
    directory,
    attributes,
    state: reader.open(`${directory}/operstate`),
    changes: reader.open(`${directory}/carrier_changes`),
    lastState: Buffer.alloc(0),
    lastChanges: NaN,
    refreshAtMs: -Infinity,
  };
}

function closeDevice({ state, changes }: Device): void {
  state[Symbol.dispose]();
  changes[Symbol.dispose]();
}

function hasChanged(device: Device, { monotonicMs }: Tick): boolean {
  let isSame = true;
  const scanner = device.state.scan(monotonicMs);
  const length = scanner?.end ?? 0;
  if (scanner !== undefined && !scanner.matches(0, length, device.lastState)) {
    device.lastState = Buffer.from(scanner.bytes.subarray(0, length));
    isSame = false;
  }
  const changes = device.changes.number(monotonicMs);
  if (!Object.is(changes, device.lastChanges)) isSame = false;
  device.lastChanges = changes;
  return !isSame;
}
