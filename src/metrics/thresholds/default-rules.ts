/**
 * The rules that ship with Drover. docs/thresholds.md says of each why it has its numbers; a rule
 * whose metric is not measured on a host costs nothing and says nothing there.
 */
import { MINUTE_MS } from '#kernel/units.ts';
import type { LabelMatcher } from '#metrics/metric-reader.ts';
import type { RuleDefinition, Severity } from './rule.ts';

/** File systems that are full by nature, or are no storage. */
const NOT_STORAGE: LabelMatcher = {
  label: 'fstype',
  operator: '!~',
  value: 'squashfs|erofs|iso9660|udf|tmpfs|ramfs|devtmpfs|overlay|fuse.*|nsfs',
};

interface DefaultRule extends Partial<Omit<RuleDefinition, 'subject'>> {
  readonly name: string;
  readonly metric: string;
  readonly matchers?: readonly LabelMatcher[];
  readonly value: number;
  readonly severity: Severity;
  readonly description: string;
}

function defaultRule({ metric, matchers = [], ...chosen }: DefaultRule): RuleDefinition {
  return {
    subject: { kind: 'metric', metric, matchers },
    comparison: '>',
    forMs: 5 * MINUTE_MS,
    hysteresis: 0,
    cooldownMs: 10 * MINUTE_MS,
    repeatMs: undefined,
    labels: {},
    isEnabled: true,
    ...chosen,
  };
}

export const DEFAULT_RULES: readonly RuleDefinition[] = [
  defaultRule({
    name: 'cpu-usage',
    metric: 'drover_cpu_usage_percent',
    value: 90,
    forMs: 10 * MINUTE_MS,
    hysteresis: 10,
    severity: 'warning',
    description: 'the processors of the host are busy without a break',
  }),
  defaultRule({
    name: 'memory-usage',
    metric: 'drover_memory_used_percent',
    value: 90,
    hysteresis: 3,
    severity: 'warning',
    description: 'the host is short of memory',
  }),
  defaultRule({
    name: 'memory-critical',
    metric: 'drover_memory_used_percent',
    value: 97,
    forMs: MINUTE_MS,
    hysteresis: 2,
    severity: 'critical',
    description: 'the host is about to kill processes for memory',
  }),
  defaultRule({
    name: 'swap-usage',
    metric: 'drover_swap_used_percent',
    value: 80,
    forMs: 15 * MINUTE_MS,
    hysteresis: 10,
    severity: 'warning',
    description: 'the host has swapped out most of what it can',
  }),
  defaultRule({
    name: 'disk-space',
    metric: 'drover_filesystem_used_percent',
    matchers: [NOT_STORAGE],
    value: 90,
    hysteresis: 2,
    severity: 'warning',
    description: 'the file system is filling up',
  }),
  defaultRule({
    name: 'disk-space-critical',
    metric: 'drover_filesystem_used_percent',
    matchers: [NOT_STORAGE],
    value: 97,
    forMs: MINUTE_MS,
    hysteresis: 1,
    severity: 'critical',
    description: 'the file system is nearly full; databases and guests on it are about to stop',
  }),
  defaultRule({
    name: 'disk-inodes',
    metric: 'drover_filesystem_inodes_used_percent',
    matchers: [NOT_STORAGE],
    value: 90,
    hysteresis: 2,
    severity: 'warning',
    description: 'the file system can hold few more files, whatever space there is',
  }),
  defaultRule({
    name: 'temperature',
    metric: 'node_hwmon_temp_celsius',
    value: 90,
    hysteresis: 5,
    severity: 'warning',
    description: 'a sensor of the host is hot; look at its fans and air',
  }),
  defaultRule({
    name: 'thermal-zone',
    metric: 'node_thermal_zone_temp',
    value: 90,
    hysteresis: 5,
    severity: 'warning',
    description: 'a thermal zone of the host is hot; look at its fans and air',
  }),
  defaultRule({
    name: 'gpu-temperature',
    metric: 'drover_gpu_temperature_celsius',
    value: 87,
    hysteresis: 5,
    severity: 'warning',
    description: 'the GPU is hot and about to slow down',
  }),
  defaultRule({
    name: 'gpu-memory',
    metric: 'drover_gpu_memory_used_percent',
    value: 97,
    forMs: 10 * MINUTE_MS,
    hysteresis: 2,
    severity: 'info',
    description: 'the memory of the GPU is full; the next thing to start on it may fail',
  }),
  defaultRule({
    name: 'cpu-pressure',
    metric: 'drover_pressure_cpu_waiting_percent',
    value: 60,
    forMs: 10 * MINUTE_MS,
    hysteresis: 15,
    severity: 'warning',
    description: 'work waits for a processor most of the time',
  }),
  defaultRule({
    name: 'memory-pressure',
    metric: 'drover_pressure_memory_stalled_percent',
    value: 10,
    hysteresis: 5,
    severity: 'warning',
    description: 'everything stands still for want of memory again and again',
  }),
  defaultRule({
    name: 'io-pressure',
    metric: 'drover_pressure_io_stalled_percent',
    value: 40,
    forMs: 10 * MINUTE_MS,
    hysteresis: 15,
    severity: 'warning',
    description: 'everything waits for disks a large part of the time',
  }),
  defaultRule({
    name: 'clock-unsynchronised',
    metric: 'drover_clock_synchronized',
    comparison: '==',
    value: 0,
    forMs: 30 * MINUTE_MS,
    severity: 'info',
    description: 'nothing keeps the clock of the host right',
  }),
  defaultRule({
    name: 'machine-down',
    metric: 'drover_machine_up',
    comparison: '<',
    value: 1,
    forMs: MINUTE_MS,
    cooldownMs: 5 * MINUTE_MS,
    severity: 'critical',
    description: 'the machine should run and does not',
  }),
  defaultRule({
    name: 'machine-cpu-usage',
    metric: 'drover_machine_cpu_usage_percent',
    value: 95,
    forMs: 30 * MINUTE_MS,
    hysteresis: 10,
    severity: 'info',
    description: 'the processors of the machine are busy without a break',
  }),
  // There is none for the memory of machines: a guest sooner or later holds all it was given.
  defaultRule({
    name: 'server-offline',
    metric: 'drover_server_status',
    matchers: [{ label: 'status', operator: '=', value: 'offline' }],
    value: 0,
    forMs: MINUTE_MS,
    severity: 'critical',
    description: 'none of the sources of the watched server answers',
  }),
];
