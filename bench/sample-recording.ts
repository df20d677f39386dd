/**
 * Real samples of this host: what the Prometheus node exporter says, once a second, written down
 * as it comes and read back as whole numbers at the scale that each metric needs.
 *
 *   T 1767225600000      a scrape at this instant; what has not changed is not repeated
 *   # TYPE name kind
 *   S 7 name{a="1"}      series 7
 *   7 1.25               has this value from now on
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { systemClock } from '#kernel/clock.ts';
import type { MetricFamily } from '#metrics/metric-family.ts';
import { openNodeExporter } from '#test/node-exporter.ts';

const SECOND_MS = 1000;
const MOST_SCALE = 9;
/** So large that scaled samples stay exact. */
const MOST_SAMPLE = 2 ** 51;

export interface RecordedSeries {
  readonly family: MetricFamily;
  readonly labels: Readonly<Record<string, string>>;
  /** At the family's scale, for each instant; NaN before the first. */
  readonly samples: Float64Array;
}

export interface Recording {
  readonly times: readonly number[];
  readonly series: readonly RecordedSeries[];
  readonly sampleCount: number;
}

/** Scrapes a node exporter of its own. */
export async function recordSamples(
  file: string,
  seconds: number,
  progress: (line: string) => void,
): Promise<void> {
  await using exporter = await openNodeExporter(['--web.disable-exporter-metrics']);
  await writeScrapes({ file, seconds, url: `${exporter.url}/metrics`, progress });
}

interface Scraping {
  readonly file: string;
  readonly seconds: number;
  readonly url: string;
  readonly progress: (line: string) => void;
}

async function writeScrapes({ file, seconds, url, progress }: Scraping): Promise<void> {
  const out = createWriteStream(file);
  const places = new Map<string, number>();
  const values: string[] = [];
  let lastMs = 0;
  for (let count = 0; count < seconds;) {
    await systemClock.sleep(SECOND_MS - (systemClock.nowMs() % SECOND_MS));
    const atMs = Math.round(systemClock.nowMs() / SECOND_MS) * SECOND_MS;
    // A timer that fires a moment early would take the same second twice.
    if (atMs === lastMs) continue;
    lastMs = atMs;
    const text = await (await fetch(url)).text();
    out.write(`T ${atMs}\n${changesIn(text, places, values)}`);
    count += 1;
    if (count % 60 === 0) progress(`recorded ${count} of ${seconds} s`);
  }
  out.end();
  await once(out, 'close');
}

function changesIn(text: string, places: Map<string, number>, values: string[]): string {
  let changes = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('# TYPE') && !places.has(line)) {
      places.set(line, -1);
      changes += `${line}\n`;
    }
    if (line === '' || line.startsWith('#')) continue;
    const end = line.lastIndexOf(' ');
    const key = line.slice(0, end);
    const value = line.slice(end + 1);
    let place = places.get(key);
    if (place === undefined) {
      place = values.length;
      places.set(key, place);
      values.push('');
      changes += `S ${place} ${key}\n`;
    }
    if (values[place] === value) continue;
    values[place] = value;
    changes += `${place} ${value}\n`;
  }
  return changes;
}

interface RawSeries {
  readonly key: string;
  value: number;
  readonly from: number;
  readonly values: number[];
}

export async function readRecording(file: string): Promise<Recording> {
  const times: number[] = [];
  const series: RawSeries[] = [];
  const kinds = new Map<string, string>();
  const scales = new Map<string, number>();
  const close = () => {
    for (const one of series)
      while (one.values.length < times.length - one.from) {
        one.values.push(one.value);
      }
  };
  const text = await readFile(file, 'utf8');
  for (const line of text.split('\n')) {
    if (line.startsWith('T ')) {
      close();
      // A scrape that came too late for its second has the next one's; the first of two stands.
      const atMs = Number(line.slice(2));
      times.push(Math.max(atMs, (times.at(-1) ?? 0) + 1));
    } else if (line.startsWith('# TYPE ')) {
      const [, , name = '', kind = ''] = line.split(' ');
      kinds.set(name, kind);
    } else if (line.startsWith('S ')) {
      const key = line.slice(line.indexOf(' ', 2) + 1);
      series.push({ key, value: NaN, from: times.length - 1, values: [] });
    } else if (line !== '') {
      const [place = '', value = ''] = line.split(' ');
      const one = series[Number(place)];
      if (one === undefined) continue;
      one.value = Number(value);
      const name = nameOf(one.key);
      scales.set(name, Math.max(scales.get(name) ?? 0, decimalsOf(value)));
    }
  }
  close();
  const recorded = series.flatMap((one) => toRecorded(one, { times, kinds, scales }) ?? []);
  const sampleCount = series.reduce((sum, { values }) => sum + values.length, 0);
  return { times, series: recorded, sampleCount };
}

interface Known {
  readonly times: readonly number[];
  readonly kinds: ReadonlyMap<string, string>;
  readonly scales: ReadonlyMap<string, number>;
}

function toRecorded({ key, values, from }: RawSeries, { times, kinds, scales }: Known) {
  const name = nameOf(key);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let scale = Math.min(MOST_SCALE, scales.get(name) ?? 0);
  while (scale > 0 && largest * 10 ** scale > MOST_SAMPLE) scale -= 1;
  const samples = new Float64Array(times.length).fill(NaN);
  values.forEach((value, at) => (samples[from + at] = Math.round(value * 10 ** scale)));
  const kind = kinds.get(name) === 'counter' ? ('counter' as const) : ('gauge' as const);
  const labels: Record<string, string> = {};
  for (const [, label = '', value = ''] of key.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    labels[label] = value.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
  }
  return { family: { name, help: name, kind, scale }, labels, samples };
}

function nameOf(key: string): string {
  const brace = key.indexOf('{');
  return brace === -1 ? key : key.slice(0, brace);
}

function decimalsOf(value: string): number {
  const [mantissa = '', exponent = '0'] = value.split('e');
  const point = mantissa.indexOf('.');
  const decimals = point === -1 ? 0 : mantissa.length - point - 1;
  return Math.max(0, decimals - Number(exponent));
}
