/** What went to and from the block devices. */
import type { DiskReading } from '#events/resource-snapshot.ts';
import type { Collector, Tick } from '#metrics/collector.ts';
import { counterDelta, toBasisPoints } from '#metrics/counter-delta.ts';
import type { MetricFamily } from '#metrics/metric-family.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import type { ByteScanner } from './byte-scanner.ts';
import {
  type CollectorContext,
  createCollector,
  family,
  SeldomTurn,
  wholeOrAbsent,
} from './collector-context.ts';
import { DiskInfo } from './disk-info.ts';
import { NamedRows } from './named-rows.ts';

/** Parts of a device, and devices made of memory or a file: what they do is counted elsewhere. */
const EXCLUDED = /^(?:ram|loop|fd|(?:h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$/;
const SECTOR_BYTES = 512;
const MILLISECONDS = 3;

interface Column {
  readonly family: MetricFamily;
  readonly factor: number;
}

/** In the order of the file, after the name. Older kernels tell 11 or 15 of them. */
const COLUMNS: readonly Column[] = [
  count('reads_completed_total', 'Reads completed.'),
  count('reads_merged_total', 'Reads merged with one next to them.'),
  count('read_bytes_total', 'Bytes read.', SECTOR_BYTES),
  time('read_time_seconds_total', 'Time all reads took, in seconds.'),
  count('writes_completed_total', 'Writes completed.'),
  count('writes_merged_total', 'Writes merged with one next to them.'),
  count('written_bytes_total', 'Bytes written.', SECTOR_BYTES),
  time('write_time_seconds_total', 'Time all writes took, in seconds.'),
  { family: family('node_disk_io_now', 'gauge', 'Requests in progress.'), factor: 1 },
  time('io_time_seconds_total', 'Time in which there was a request in progress, in seconds.'),
  time('io_time_weighted_seconds_total', 'Time all requests took, waiting included, in seconds.'),
  count('discards_completed_total', 'Discards completed.'),
  count('discards_merged_total', 'Discards merged with one next to them.'),
  count('discarded_sectors_total', 'Sectors discarded.'),
  time('discard_time_seconds_total', 'Time all discards took, in seconds.'),
  count('flush_requests_total', 'Flushes completed.'),
  time('flush_requests_time_seconds_total', 'Time all flushes took, in seconds.'),
];
const IO_TIME = 9;
const BUSY = family(
  'drover_disk_busy_percent',
  'gauge',
  'Share of the time, since the sample before, in which the device had something to do.',
  2,
);

class Disk {
  readonly name: string;
  readonly isExcluded: boolean;
  /** Beside `COLUMNS`; NaN where the kernel does not tell. */
  readonly values = new Float64Array(COLUMNS.length);
  readonly series: readonly LiveSeries[];
  readonly busy: LiveSeries | undefined;
  readonly info: DiskInfo | undefined;
  #ioTimeMs: number | undefined;
  #atMs = 0;

  constructor(name: string, { table, fileRoot }: CollectorContext) {
    this.name = name;
    this.isExcluded = EXCLUDED.test(name);
    const labels = { device: name };
    this.series = this.isExcluded
      ? []
      : COLUMNS.map((column) => table.family(column.family).series(labels));
    this.busy = this.isExcluded ? undefined : table.family(BUSY).series(labels);
    this.info = this.isExcluded ? undefined : new DiskInfo(name, table, fileRoot);
  }

  read(scanner: ByteScanner): void {
    for (let column = 0; column < COLUMNS.length; column += 1) {
      this.values[column] = scanner.number();
    }
  }

  set(tick: Tick): void {
    for (let column = 0; column < this.series.length; column += 1) {
      this.series[column]?.set((this.values[column] ?? NaN) * (COLUMNS[column]?.factor ?? 1));
    }
    const ioTimeMs = this.values[IO_TIME] ?? NaN;
    const elapsedMs = tick.monotonicMs - this.#atMs;
    const busyMs = counterDelta(this.#ioTimeMs, ioTimeMs, elapsedMs);
    const share = busyMs === undefined ? undefined : toBasisPoints(busyMs, elapsedMs);
    if (share !== undefined) this.busy?.set(share);
    this.#ioTimeMs = Number.isNaN(ioTimeMs) ? undefined : ioTimeMs;
    this.#atMs = tick.monotonicMs;
  }

  toReading(): DiskReading {
    const { values } = this;
    return {
      deviceName: this.name,
      readsCompleted: wholeOrAbsent(values[0]),
      readsMerged: wholeOrAbsent(values[1]),
      sectorsRead: wholeOrAbsent(values[2]),
      timeReadingMs: wholeOrAbsent(values[3]),
      writesCompleted: wholeOrAbsent(values[4]),
      writesMerged: wholeOrAbsent(values[5]),
      sectorsWritten: wholeOrAbsent(values[6]),
      timeWritingMs: wholeOrAbsent(values[7]),
      ioInProgress: wholeOrAbsent(values[8]),
      timeDoingIoMs: wholeOrAbsent(values[9]),
      weightedTimeDoingIoMs: wholeOrAbsent(values[10]),
    };
  }
}

export function createDiskstatsCollector(context: CollectorContext): Collector {
  const file = context.reader.open(`${context.procRoot}/diskstats`);
  const disks = new NamedRows<Disk>((name) => new Disk(name, context));
  const turn = new SeldomTurn();
  let changes = 0;
  return createCollector({
    name: 'diskstats',
    files: [file],
    collect(tick) {
      const scanner = file.require(tick.monotonicMs);
      const readings: DiskReading[] = [];
      const isInfoDue = turn.isDue(tick);
      disks.begin();
      while (!scanner.isAtEnd) {
        const major = scanner.number();
        const minor = scanner.number();
        scanner.skipBlanks();
        const start = scanner.at;
        scanner.skipWord();
        const isDisk = scanner.at > start && !Number.isNaN(major) && !Number.isNaN(minor);
        const disk = isDisk ? disks.take(scanner, start, scanner.at) : undefined;
        if (disk !== undefined) {
          disk.read(scanner);
          disk.set(tick);
          disk.info?.set({ major, minor, isDue: isInfoDue });
          readings.push(disk.toReading());
        }
        scanner.skipLine();
      }
      disks.end();
      if (disks.changes !== changes) {
        // udev writes down what it knows of a new device a little later.
        changes = disks.changes;
        turn.hasten();
      }
      tick.readings.disks = readings;
    },
  });
}

function count(name: string, help: string, factor = 1): Column {
  return { family: family(`node_disk_${name}`, 'counter', help), factor };
}

/** Told in milliseconds. */
function time(name: string, help: string): Column {
  return { family: family(`node_disk_${name}`, 'counter', help, MILLISECONDS), factor: 1 };
}
