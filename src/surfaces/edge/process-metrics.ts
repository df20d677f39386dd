/** What Prometheus clients everywhere report of their own process, under the usual names. */
import { readFileSync, readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '#kernel/clock.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';

const LAG_RESOLUTION_MS = 50;
const NANOS_PER_SECOND = 1e9;
const MICROS_PER_SECOND = 1e6;

/** Registers them; they are read when metrics are asked for. Disposing stops the lag monitor. */
export function openProcessMetrics(metrics: MetricsRegistry, clock: Clock): Disposable {
  const cpu = metrics.counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time spent, in seconds.',
  });
  const resident = metrics.gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes.',
  });
  const heap = metrics.gauge({ name: 'process_heap_bytes', help: 'Process heap size in bytes.' });
  const start = metrics.gauge({
    name: 'process_start_time_seconds',
    help: 'Start time of the process since the Unix epoch, in seconds.',
  });
  const lag = metrics.gauge<'stat'>({
    name: 'process_event_loop_lag_seconds',
    help: 'How late the event loop was since the metrics were last read.',
    labels: ['stat'],
  });
  start.set({}, Math.round(clock.nowMs() - process.uptime() * 1000) / 1000);
  const descriptors = createDescriptorGauges(metrics);
  const delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  delay.enable();
  let cpuSeconds = 0;
  const collecting = metrics.onCollect(() => {
    const { user, system } = process.cpuUsage();
    const nowSeconds = (user + system) / MICROS_PER_SECOND;
    cpu.inc({}, Math.max(0, nowSeconds - cpuSeconds));
    cpuSeconds = nowSeconds;
    const memory = process.memoryUsage();
    resident.set({}, memory.rss);
    heap.set({}, memory.heapUsed);
    // The monitor counts its own interval in; what is over it is the lag.
    const lagSeconds = (nanos: number) =>
      Math.max(0, nanos / NANOS_PER_SECOND - LAG_RESOLUTION_MS / 1000);
    if (delay.count > 0) {
      lag.set({ stat: 'p50' }, lagSeconds(delay.percentile(50)));
      lag.set({ stat: 'p99' }, lagSeconds(delay.percentile(99)));
      lag.set({ stat: 'max' }, lagSeconds(delay.max));
      delay.reset();
    }
    descriptors();
  });
  return {
    [Symbol.dispose]: () => {
      delay.disable();
      collecting[Symbol.dispose]();
    },
  };
}

/** Open files and their limit, where the system shows them under /proc. */
function createDescriptorGauges(metrics: MetricsRegistry): () => void {
  if (process.platform !== 'linux') return () => {};
  const open = metrics.gauge({
    name: 'process_open_fds',
    help: 'Number of open file descriptors.',
  });
  const most = metrics.gauge({
    name: 'process_max_fds',
    help: 'Maximum number of open file descriptors.',
  });
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  if (limit !== undefined) most.set({}, Number(limit));
  return () => open.set({}, readdirSync('/proc/self/fd').length);
}
