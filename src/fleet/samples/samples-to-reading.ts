/**
 * What the metrics of node_exporter, of a Drover agent and of exporters of GPUs say of a server.
 * Rates need two looks; what a server does not tell is left out.
 */
import type {
  CpuReading,
  DiskRates,
  FilesystemReading,
  InterfaceRates,
  MemoryShares,
  PressureReading,
  SensorReading,
  ServerReading,
} from '#fleet/server-reading.ts';
import { samplesToGpus } from './samples-to-gpus.ts';
import { COLLECTOR_SUCCESS } from './samples-to-missing.ts';
import type { SampleSet } from './sample-set.ts';

const CPU_CHIPS = /coretemp|k10temp|zenpower|cpu_thermal/;
const CPU_ZONES = /^(?:x86_pkg_temp|cpu-?thermal|cpu)/i;
/** File systems that are no storage. */
const NOT_STORAGE =
  /^(?:squashfs|erofs|iso9660|udf|tmpfs|ramfs|devtmpfs|overlay|fuse\..*|nsfs|rpc_pipefs)$/;
/** But for these, which are. */
const FUSE_STORAGE = /^fuse\.(?:mergerfs|glusterfs|ceph|zfs|moosefs|juicefs)$/;
/** Devices that are parts of others, or of memory, so that nothing is counted twice. */
const NOT_A_DISK =
  /^(?:loop|ram|zram|fd|sr|dm-|md)\d*|^(?:sd|vd|xvd|hd)[a-z]+\d+$|^(?:nvme\d+n|mmcblk)\d+p\d+$/;
const NOT_A_LINK = /^(?:lo|docker|br-|veth|virbr|tap|cni|flannel|cali)/;
const MOST_ROWS = 64;

/** As the usual recording rules call it: for a source that counts processors itself. */
export const CORE_COUNT = 'instance:node_num_cpu:sum';

const WANTED = [
  ...['node_cpu_seconds_total', 'node_load1', 'node_load5', 'node_load15'],
  ...['node_time_seconds', 'node_boot_time_seconds', 'drover_uptime_seconds'],
  COLLECTOR_SUCCESS,
];
const NODE_FAMILIES = /^node_(?:memory|filesystem|disk|network|hwmon|thermal_zone|pressure)_/;
const GPU_FAMILIES = /^(?:drover_gpu_|nvidia_smi_|DCGM_FI_DEV_)/;

export function isWantedSample(name: string): boolean {
  return NODE_FAMILIES.test(name) || GPU_FAMILIES.test(name) || WANTED.includes(name);
}

export function samplesToReading(set: SampleSet): ServerReading {
  return {
    uptimeSeconds: uptimeOf(set),
    cpu: cpuOf(set),
    memory: memoryOf(set),
    gpus: samplesToGpus(set),
    filesystems: filesystemsOf(set),
    disks: disksOf(set),
    network: networkOf(set),
    sensors: sensorsOf(set),
    pressure: pressureOf(set),
  };
}

function uptimeOf(set: SampleSet): number | undefined {
  const told = set.value('drover_uptime_seconds');
  const now = set.value('node_time_seconds');
  const boot = set.value('node_boot_time_seconds');
  if (told !== undefined || now === undefined || boot === undefined) return told;
  return Math.max(0, now - boot);
}

function cpuOf(set: SampleSet): CpuReading | undefined {
  const cpus = set.all('node_cpu_seconds_total').map(({ labels }) => labels['cpu']);
  const cores = set.value(CORE_COUNT) ?? new Set(cpus).size;
  if (cores === 0) return undefined;
  const modePercents = modesOf(set);
  const [one, five, fifteen] = ['node_load1', 'node_load5', 'node_load15'].map((name) =>
    set.value(name),
  );
  return {
    usagePercent: modePercents === undefined ? undefined : usageOf(modePercents),
    ...{ modePercents, cores, temperatureC: cpuTemperatureOf(set) },
    load:
      one === undefined || five === undefined || fifteen === undefined
        ? undefined
        : [one, five, fifteen],
  };
}

/** Shares of the time that was counted, so that neither clock of the two matters. */
function modesOf(set: SampleSet): Readonly<Record<string, number>> | undefined {
  const byMode = new Map<string, number>();
  for (const { labels, rate } of set.rates('node_cpu_seconds_total')) {
    const mode = labels['mode'] ?? '';
    byMode.set(mode, (byMode.get(mode) ?? 0) + rate);
  }
  const all = [...byMode.values()].reduce((sum, rate) => sum + rate, 0);
  if (all === 0) return undefined;
  byMode.delete('idle');
  return Object.fromEntries(Array.from(byMode, ([mode, rate]) => [mode, (rate * 100) / all]));
}

/** Waiting for a disk is not work. */
function usageOf(modes: Readonly<Record<string, number>>): number {
  const busy = Object.entries(modes).filter(([mode]) => mode !== 'iowait');
  return Math.min(
    100,
    busy.reduce((sum, [, percent]) => sum + percent, 0),
  );
}

function cpuTemperatureOf(set: SampleSet): number | undefined {
  const chips = new Set(
    set
      .all('node_hwmon_chip_names')
      .filter(({ labels }) => CPU_CHIPS.test(labels['chip_name'] ?? ''))
      .map(({ labels }) => labels['chip'] ?? ''),
  );
  const isCpu = (chip: string) => chips.has(chip) || CPU_CHIPS.test(chip);
  const sensors = set
    .all('node_hwmon_temp_celsius')
    .filter(({ labels }) => isCpu(labels['chip'] ?? ''))
    .map(({ value }) => value);
  const zones = set
    .all('node_thermal_zone_temp')
    .filter(({ labels }) => CPU_ZONES.test(labels['type'] ?? ''))
    .map(({ value }) => value);
  const found = sensors.length > 0 ? sensors : zones;
  return found.length === 0 ? undefined : Math.max(...found);
}

function memoryOf(set: SampleSet): MemoryShares | undefined {
  const [total, available, cached, swap, swapFree] = [
    ...['MemTotal', 'MemAvailable', 'Cached', 'SwapTotal', 'SwapFree'],
  ].map((name) => set.value(`node_memory_${name}_bytes`));
  if (total === undefined) return undefined;
  return {
    totalBytes: total,
    availableBytes: available,
    usedBytes: available === undefined ? undefined : Math.max(0, total - available),
    cachedBytes: cached,
    swapTotalBytes: swap,
    swapUsedBytes: swap === undefined || swapFree === undefined ? undefined : swap - swapFree,
  };
}

function filesystemsOf(set: SampleSet): readonly FilesystemReading[] | undefined {
  const sizes = set.all('node_filesystem_size_bytes');
  if (sizes.length === 0) return undefined;
  const column = (name: string) => set.by('mountpoint', `node_filesystem_${name}`);
  const [available, free, files, filesFree, readOnly] = [
    ...['avail_bytes', 'free_bytes', 'files', 'files_free', 'readonly'],
  ].map(column);
  const rows = new Map<string, FilesystemReading>();
  for (const { labels, value } of sizes) {
    const mountPoint = labels['mountpoint'] ?? '';
    const fstype = labels['fstype'];
    if (mountPoint === '' || !isStorage(fstype ?? '')) continue;
    const filesTotal = files?.get(mountPoint);
    // A file system that makes inodes as it goes counts none.
    const hasFiles = filesTotal !== undefined && filesTotal > 0;
    rows.set(mountPoint, {
      ...{ mountPoint, device: labels['device'] ?? '', fstype, totalBytes: value },
      usedBytes: less(value, free?.get(mountPoint)),
      availableBytes: available?.get(mountPoint),
      files: hasFiles ? less(filesTotal, filesFree?.get(mountPoint)) : undefined,
      filesTotal: hasFiles ? filesTotal : undefined,
      largestFileBytes: undefined,
      isReadOnly: toFlag(readOnly?.get(mountPoint)),
    });
  }
  return oncePerDevice([...rows.values()]).slice(0, MOST_ROWS);
}

function isStorage(fstype: string): boolean {
  return FUSE_STORAGE.test(fstype) || !NOT_STORAGE.test(fstype);
}

/** What is mounted at several places is one file system, and named by the shortest of them. */
function oncePerDevice(rows: readonly FilesystemReading[]): readonly FilesystemReading[] {
  const byDevice = new Map<string, FilesystemReading>();
  for (const row of rows) {
    const key = row.device.startsWith('/dev/') ? row.device : row.mountPoint;
    const other = byDevice.get(key);
    if (other === undefined || row.mountPoint.length < other.mountPoint.length) {
      byDevice.set(key, row);
    }
  }
  return [...byDevice.values()];
}

function disksOf(set: SampleSet): readonly DiskRates[] | undefined {
  const column = (name: string) => set.ratesBy('device', `node_disk_${name}`);
  const [read, written, reads, writes, busy] = [
    ...['read_bytes_total', 'written_bytes_total', 'reads_completed_total'],
    ...['writes_completed_total', 'io_time_seconds_total'],
  ].map(column);
  const devices = [...(read?.keys() ?? [])].filter((name) => !NOT_A_DISK.test(name));
  if (devices.length === 0) return undefined;
  return devices.slice(0, MOST_ROWS).map((device) => {
    const share = busy?.get(device);
    return {
      device,
      readBytes: read?.get(device),
      writtenBytes: written?.get(device),
      reads: reads?.get(device),
      writes: writes?.get(device),
      busyPercent: share === undefined ? undefined : Math.min(100, share * 100),
    };
  });
}

function networkOf(set: SampleSet): readonly InterfaceRates[] | undefined {
  const column = (name: string) => set.ratesBy('device', `node_network_${name}_total`);
  const [sent, received, sentPackets, receivedPackets, errorsIn, errorsOut] = [
    ...['transmit_bytes', 'receive_bytes', 'transmit_packets', 'receive_packets'],
    ...['receive_errs', 'transmit_errs'],
  ].map(column);
  const speeds = set.by('device', 'node_network_speed_bytes');
  const names = [...(received?.keys() ?? [])].filter((name) => !NOT_A_LINK.test(name));
  if (names.length === 0) return undefined;
  return names.slice(0, MOST_ROWS).map((name) => {
    const speed = speeds.get(name);
    return {
      name,
      sentBytes: sent?.get(name),
      receivedBytes: received?.get(name),
      sentPackets: sentPackets?.get(name),
      receivedPackets: receivedPackets?.get(name),
      errorsIn: errorsIn?.get(name),
      errorsOut: errorsOut?.get(name),
      speedBitsPerSecond: speed === undefined || speed <= 0 ? undefined : speed * 8,
    };
  });
}

function sensorsOf(set: SampleSet): readonly SensorReading[] | undefined {
  const names = new Map(
    set
      .all('node_hwmon_sensor_label')
      .map(({ labels }) => [`${labels['chip']} ${labels['sensor']}`, labels['label'] ?? '']),
  );
  const sensors = [
    ...set.all('node_hwmon_temp_celsius').map(({ labels, value }) => {
      const key = `${labels['chip']} ${labels['sensor']}`;
      return { name: names.get(key) ?? key, celsius: value };
    }),
    ...set.all('node_thermal_zone_temp').map(({ labels, value }) => {
      return { name: labels['type'] ?? 'thermal zone', celsius: value };
    }),
  ];
  return sensors.length === 0 ? undefined : sensors.slice(0, MOST_ROWS);
}

function pressureOf(set: SampleSet): PressureReading | undefined {
  const percent = (name: string) => {
    const [first] = set.rates(`node_pressure_${name}_seconds_total`);
    return first === undefined ? undefined : Math.min(100, first.rate * 100);
  };
  // All of them are asked for each time: of the others nothing is kept for the next look.
  const pressure = {
    cpuSomePercent: percent('cpu_waiting'),
    memorySomePercent: percent('memory_waiting'),
    memoryFullPercent: percent('memory_stalled'),
    ioSomePercent: percent('io_waiting'),
    ioFullPercent: percent('io_stalled'),
  };
  return pressure.cpuSomePercent === undefined ? undefined : pressure;
}

function less(whole: number, part: number | undefined): number | undefined {
  return part === undefined ? undefined : Math.max(0, whole - part);
}

function toFlag(value: number | undefined): boolean | undefined {
  return value === undefined ? undefined : value === 1;
}
