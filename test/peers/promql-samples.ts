/**
 * What a small fleet would have measured: counters with restarts, gaps, series that end and come
 * back, histograms, and values from tiny to huge. The same for the same instant, always.
 */
import type { MemorySeries } from '#test/memory-metric-reader.ts';

export const STEP_MS = 15_000;
const POINTS = 480;
export const SPAN_MS = POINTS * STEP_MS;

type Labels = Readonly<Record<string, string>>;
type Point = readonly [atMs: number, value: number];

class Chance {
  #state = 12_345;

  next(): number {
    this.#state = (this.#state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return this.#state / 2_147_483_648;
  }
}

export function promqlSamples(startMs: number): readonly MemorySeries[] {
  const chance = new Chance();
  const series: MemorySeries[] = [];
  const add = (name: string, labels: Labels, value: (at: number) => number | undefined) => {
    const points: Point[] = [];
    for (let at = 0; at < POINTS; at += 1) {
      const sample = value(at);
      if (sample !== undefined) points.push([startMs + at * STEP_MS, sample]);
    }
    series.push({ name, labels, points });
  };
  const counter = (growth: number, resets: readonly number[] = []) => {
    let total = chance.next() * 1000;
    return (at: number) => {
      total = resets.includes(at) ? 0 : total + chance.next() * growth;
      return Math.round(total * 100) / 100;
    };
  };
  addHosts(add, counter, chance);
  addRequests(add, counter);
  addHistogram(add, chance);
  addOdds(add, chance);
  addJitter(series, startMs, chance);
  return series;
}

type Add = (name: string, labels: Labels, value: (at: number) => number | undefined) => void;
type Counter = (growth: number, resets?: readonly number[]) => (at: number) => number;

function addHosts(add: Add, counter: Counter, chance: Chance): void {
  for (const [index, instance] of ['alpha:9100', 'beta:9100', 'gamma:9100'].entries()) {
    const of = { instance, job: 'node' };
    for (const cpu of ['0', '1', '2', '3']) {
      for (const [at, mode] of ['idle', 'user', 'system', 'iowait'].entries()) {
        const resets = index === 1 ? [120, 300, 301] : [];
        add('node_cpu_seconds_total', { ...of, cpu, mode }, counter(15 / (at + 1), resets));
      }
    }
    add('up', of, (at) => (index === 2 && at > 200 && at < 230 ? 0 : 1));
    add('node_load1', of, () => Math.round(chance.next() * 800) / 100);
    add('node_load5', of, () => Math.round(chance.next() * 600) / 100);
    add('node_memory_MemTotal_bytes', of, () => 2 ** (33 + index));
    add('node_memory_MemAvailable_bytes', of, () => Math.round(chance.next() * 2 ** (32 + index)));
    add('node_boot_time_seconds', of, () => 1_700_000_000 + index * 86_400);
    add('node_uname_info', { ...of, nodename: `host-${index}`, release: '6.1.0' }, () => 1);
    add('machine_role', { instance, role: index === 0 ? 'db' : 'web' }, () => 1);
    for (const [at, mountpoint] of ['/', '/var', '/home'].entries()) {
      const fs = { ...of, device: `/dev/vda${at + 1}`, fstype: 'ext4', mountpoint };
      add('node_filesystem_size_bytes', fs, () => 1e11 * (at + 1));
      add('node_filesystem_avail_bytes', fs, (tick) => 9e10 * (at + 1) - tick * 1e7 * (index + 1));
    }
    for (const device of ['eth0', 'eth1', 'lo']) {
      add('node_network_receive_bytes_total', { ...of, device }, counter(1e7));
      add('node_network_transmit_bytes_total', { ...of, device }, counter(1e6, [250]));
    }
  }
}

function addRequests(add: Add, counter: Counter): void {
  for (const instance of ['web-1', 'web-2']) {
    for (const code of ['200', '404', '500']) {
      for (const method of ['GET', 'POST']) {
        const grow = counter(code === '200' ? 50 : 3, [60]);
        const hasGap = instance === 'web-2' && code === '500';
        // A gap longer than one looks back, and one that is shorter.
        const isGone = (at: number) => (at > 150 && at < 190) || (at > 300 && at < 306);
        add('http_requests_total', { code, instance, method }, (at) => {
          const value = grow(at);
          return hasGap && isGone(at) ? undefined : value;
        });
      }
    }
  }
  // It ends, is told so, and comes back for a while.
  add('job_progress', { job: 'backup' }, (at) => {
    if (at === 200 || at === 400) return NaN;
    return (at > 200 && at < 260) || at > 400 ? undefined : at / 4;
  });
  add('job_progress', { job: 'restore' }, (at) => (at < 100 || at > 130 ? undefined : at));
}

function addHistogram(add: Add, chance: Chance): void {
  const bounds = ['0.005', '0.01', '0.1', '0.5', '1', '10', '+Inf'];
  for (const handler of ['/api', '/login']) {
    const totals = bounds.map(() => 0);
    const isDue = new Set<number>();
    const advance = (at: number) => {
      if (isDue.has(at)) return;
      isDue.add(at);
      let below = 0;
      for (const [index] of bounds.entries()) {
        below += Math.round(chance.next() * 5);
        totals[index] = (totals[index] ?? 0) + below;
      }
    };
    const history = Array.from({ length: POINTS }, (_, at) => {
      advance(at);
      return [...totals];
    });
    for (const [index, le] of bounds.entries()) {
      add('request_duration_seconds_bucket', { handler, le }, (at) => history[at]?.[index]);
    }
    add('request_duration_seconds_count', { handler }, (at) => history[at]?.at(-1));
    add('request_duration_seconds_sum', { handler }, (at) => (history[at]?.at(-1) ?? 0) * 0.3);
  }
}

function addOdds(add: Add, chance: Chance): void {
  for (const [index, sensor] of ['cpu', 'disk', 'air'].entries()) {
    add(
      'temperature_celsius',
      { sensor },
      () => Math.round(chance.next() * 800 - 200 * index) / 10,
    );
  }
  for (const shape of ['a', 'b']) {
    for (const name of ['gauge_one', 'gauge_two']) {
      add(name, { shape }, () => Math.round(chance.next() * 10));
    }
  }
  add('steady', {}, () => 42);
  add('zero', {}, () => 0);
  add('huge', { unit: 'b' }, (at) => 1e15 + at);
  add('tiny', { unit: 's' }, (at) => 1e-9 * (at + 1));
  add('signed', {}, (at) => (at % 2 === 0 ? at : -at));
  add('steps', {}, (at) => Math.floor(at / 40));
  add('escaped', { text: 'a "quoted" \\ back\nline', path: '/x/y.z' }, () => 1);
}

/** Scraped late and early, as scrapes are. */
function addJitter(series: MemorySeries[], startMs: number, chance: Chance): void {
  const points: Point[] = [];
  let total = 0;
  for (let at = 0; at < POINTS; at += 1) {
    total += chance.next() * 30;
    const lateMs = Math.round(chance.next() * 9000);
    points.push([startMs + at * STEP_MS + lateMs, Math.round(total * 1000) / 1000]);
  }
  series.push({ name: 'jittery_total', labels: { kind: 'late' }, points });
}
