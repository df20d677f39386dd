/**
 * What a Prometheus is asked about servers, all of them at once: so many queries for one server,
 * and as many for a thousand.
 *
 * Rates are of the last two samples that each counter has within five minutes (`irate`). So they
 * follow whatever interval it scrapes at, up to two and a half minutes, without knowing it; five
 * minutes is also how long it holds a value for current by default.
 */
import { CORE_COUNT } from '#fleet/samples/samples-to-reading.ts';

const WINDOW = '5m';
/** Rates lose the name of what they are of; it is put here. */
export const COUNTER_LABEL = 'drover_counter';

const BASE = [
  ...['up', 'node_load1', 'node_load5', 'node_load15', 'node_time_seconds'],
  ...['node_boot_time_seconds', 'drover_uptime_seconds', 'node_network_speed_bytes'],
  'node_memory_(MemTotal|MemAvailable|Cached|SwapTotal|SwapFree)_bytes',
];
const FILESYSTEMS = [
  'node_filesystem_(size_bytes|avail_bytes|free_bytes|files|files_free|readonly|device_error)',
];
const SENSORS = ['node_hwmon_(temp_celsius|sensor_label|chip_names)', 'node_thermal_zone_temp'];
const DISK_COUNTERS = [
  ...['read_bytes_total', 'written_bytes_total', 'reads_completed_total'],
  ...['writes_completed_total', 'io_time_seconds_total'],
].map((name) => `node_disk_${name}`);
const LINK_COUNTERS = [
  ...['transmit_bytes', 'receive_bytes', 'transmit_packets', 'receive_packets'],
  ...['receive_errs', 'transmit_errs'],
].map((name) => `node_network_${name}_total`);
const PRESSURE_COUNTERS = [
  ...['cpu_waiting', 'memory_waiting', 'memory_stalled', 'io_waiting', 'io_stalled'],
].map((name) => `node_pressure_${name}_seconds_total`);
const DROVER_GPUS = [
  'drover_gpu_(utilization_percent|memory_used_bytes|memory_total_bytes|temperature_celsius' +
    '|power_watts|fan_percent)',
];
const NVIDIA_GPUS = [
  'nvidia_smi_(gpu_info|utilization_gpu_ratio|memory_used_bytes|memory_total_bytes' +
    '|temperature_gpu|power_draw_watts|fan_speed_ratio)',
];
const DCGM_GPUS = ['DCGM_FI_DEV_(GPU_UTIL|FB_USED|FB_FREE|GPU_TEMP|POWER_USAGE)'];
const PVE = [
  'pve_(up|node_info|guest_info|version_info|cpu_usage_ratio|uptime_seconds' +
    '|memory_size_bytes|memory_usage_bytes|disk_size_bytes|disk_usage_bytes)',
];
/** Hosts of containers and machines have hundreds of these. */
const REAL_LINKS = 'device!~"lo|(veth|cali|tap|fwbr|fwpr|fwln).*"';
const REAL_FILESYSTEMS = 'fstype!~"tmpfs|ramfs|devtmpfs|squashfs|overlay|nsfs|rpc_pipefs"';

export interface PrometheusQuery {
  /** What people would miss without its answer. */
  readonly part: string;
  readonly text: string;
  /** Of gauges the values as they are, of counters their rates. */
  readonly gives: 'gauges' | 'rates';
  /** Where the answer names none. */
  readonly name: string;
}

/** For the servers whose label fits the pattern. */
export function queriesFor(pattern: string): readonly PrometheusQuery[] {
  const where = `instance=~${JSON.stringify(pattern)}`;
  const gauges = (part: string, names: readonly string[], more = ''): PrometheusQuery => ({
    part,
    text: `{__name__=~"${names.join('|')}",${where}${more === '' ? '' : `,${more}`}}`,
    ...{ gives: 'gauges', name: '' },
  });
  const rates = (part: string, names: readonly string[], more = ''): PrometheusQuery => ({
    part,
    text: names.map((name) => rateOf(name, `${where}${more && `,${more}`}`)).join(' or '),
    ...{ gives: 'rates', name: '' },
  });
  const cpuSeconds = 'node_cpu_seconds_total';
  const owner = 'by (instance,job';
  return [
    gauges('memory, load and uptime', BASE),
    gauges('filesystems', FILESYSTEMS, REAL_FILESYSTEMS),
    gauges('temperatures', SENSORS),
    gauges('GPUs', [...DROVER_GPUS, ...NVIDIA_GPUS]),
    gauges('GPUs of dcgm-exporter', DCGM_GPUS),
    gauges('Proxmox VE', PVE),
    {
      part: 'the number of processors',
      text: `count ${owner}) (${cpuSeconds}{mode="idle",${where}})`,
      ...{ gives: 'gauges', name: CORE_COUNT },
    },
    {
      part: 'processor use',
      text: `sum ${owner},mode) (irate(${cpuSeconds}{${where}}[${WINDOW}]))`,
      ...{ gives: 'rates', name: cpuSeconds },
    },
    rates('disk rates', DISK_COUNTERS),
    rates('network rates', LINK_COUNTERS, REAL_LINKS),
    rates('pressure', PRESSURE_COUNTERS),
  ];
}

function rateOf(name: string, where: string): string {
  return `label_replace(irate(${name}{${where}}[${WINDOW}]),"${COUNTER_LABEL}","${name}","","")`;
}
