/** What went through the network interfaces. */
import type { InterfaceReading } from '#events/resource-snapshot.ts';
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import {
  type CollectorContext,
  createCollector,
  family,
  SeldomTurn,
  wholeOrAbsent,
} from './collector-context.ts';
import { NET_COLUMNS, type NetDeviceCounters, type NetDeviceTable } from './net-device-table.ts';
import { RotatingReads, type RotatingValue } from './rotating-reads.ts';
import { readSysfsInteger } from './sysfs-file.ts';

/** Loopback is in the answers that ask for every interface, and in no metric. */
const EXCLUDED = /^lo$/;
const BITS_PER_MEGABIT = 1_000_000;
const UNKNOWN_UNSIGNED = 0xffff_ffff;

/** As a rotating value: packets of kinds nobody asked for, told in a file of their own. */
interface Device extends RotatingValue {
  readonly counters: NetDeviceCounters;
  readonly series: readonly LiveSeries[];
  readonly noHandler: LiveSeries | undefined;
  speedBitsPerSecond: number | undefined;
}

export function createNetdevCollector(context: CollectorContext, table: NetDeviceTable): Collector {
  const createDevice = deviceMaker(context);
  const noHandlers = new RotatingReads();
  const turn = new SeldomTurn();
  let devices: readonly Device[] = [];
  let changes = 0;
  const follow = () => {
    const before = new Map(devices.map((device) => [device.counters, device]));
    devices = Array.from(table.devices(), (counters) => {
      const device = before.get(counters) ?? createDevice(counters);
      before.delete(counters);
      return device;
    });
    for (const gone of before.values()) gone.file[Symbol.dispose]();
    changes = table.changes;
    turn.hasten();
  };
  return createCollector({
    name: 'netdev',
    files: [table],
    dispose: () => devices.forEach(({ file }) => file[Symbol.dispose]()),
    collect(tick) {
      table.read(tick);
      if (table.changes !== changes) {
        follow();
        const told = devices.filter(({ noHandler }) => noHandler !== undefined);
        noHandlers.replace(told, tick.monotonicMs);
      }
      noHandlers.read(tick.monotonicMs);
      const isSpeedDue = turn.isDue(tick);
      const readings: InterfaceReading[] = [];
      for (const device of devices) {
        if (isSpeedDue) device.speedBitsPerSecond = readSpeed(context, device.counters.name);
        setSeries(device);
        readings.push(toReading(device));
      }
      tick.readings.interfaces = readings;
    },
  });
}

function deviceMaker({
  table,
  reader,
  sysRoot,
}: CollectorContext): (counters: NetDeviceCounters) => Device {
  const families = NET_COLUMNS.map((column) =>
    table.family(
      family(`node_network_${column}_total`, 'counter', `Counted by the interface: ${column}.`),
    ),
  );
  const noHandler = table.family(
    family(
      'node_network_receive_nohandler_total',
      'counter',
      'Packets received of kinds that nobody asked for.',
    ),
  );
  return (counters) => {
    const labels = { device: counters.name };
    const isExcluded = EXCLUDED.test(counters.name);
    return {
      counters,
      series: isExcluded ? [] : families.map((each) => each.series(labels)),
      noHandler: isExcluded ? undefined : noHandler.series(labels),
      file: reader.open(`${sysRoot}/class/net/${counters.name}/statistics/rx_nohandler`),
      value: NaN,
      speedBitsPerSecond: undefined,
    };
  };
}

function setSeries({ series, counters, noHandler, value }: Device): void {
  const { values } = counters;
  for (let column = 0; column < series.length; column += 1) {
    series[column]?.set(values[column] ?? NaN);
  }
  noHandler?.set(value);
}

function readSpeed({ sysRoot }: CollectorContext, name: string): number | undefined {
  const megabits = readSysfsInteger(`${sysRoot}/class/net/${name}/speed`);
  // What stands for unknown: 0, or -1, which some drivers give as an unsigned number.
  if (megabits === undefined || megabits <= 0 || megabits >= UNKNOWN_UNSIGNED) return undefined;
  return megabits * BITS_PER_MEGABIT;
}

function toReading({ counters: { name, values }, speedBitsPerSecond }: Device): InterfaceReading {
  return {
    name,
    bytesReceived: wholeOrAbsent(values[0]),
    packetsReceived: wholeOrAbsent(values[1]),
    errorsIn: wholeOrAbsent(values[2]),
    dropsIn: wholeOrAbsent(values[3]),
    bytesSent: wholeOrAbsent(values[8]),
    packetsSent: wholeOrAbsent(values[9]),
    errorsOut: wholeOrAbsent(values[10]),
    dropsOut: wholeOrAbsent(values[11]),
    speedBitsPerSecond,
  };
}
