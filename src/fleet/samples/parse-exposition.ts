/**
 * Reads text as Prometheus scrapes it. It comes from elsewhere: lines that cannot be read are left
 * out, and so is what nobody wants, before any of it takes memory. So is a last line without an
 * end, whose number may be the half of one.
 */
import { createLabels, type Labels } from '#metrics/labels.ts';
import type { Sample } from './sample-set.ts';

const MOST_SAMPLES = 200_000;
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|\})/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', '\\': '\\', '"': '"' };
const NO_LABELS: Labels = {};
const MOST_KNOWN = 10_000;

/** What was read before, by its text: exporters tell the same labels again and again. */
const known = new Map<string, Labels>();

export function* parseExposition(
  text: string,
  isWanted: (name: string) => boolean,
): Generator<Sample> {
  let count = 0;
  for (let at = 0; at < text.length && count < MOST_SAMPLES;) {
    const end = text.indexOf('\n', at);
    if (end === -1) return;
    const sample = text[at] === '#' ? undefined : parseLine(text.slice(at, end), isWanted);
    at = end + 1;
    if (sample === undefined) continue;
    count += 1;
    yield sample;
  }
}

function parseLine(line: string, isWanted: (name: string) => boolean): Sample | undefined {
  const name = NAME.exec(line)?.[0];
  if (name === undefined || !isWanted(name)) return undefined;
  let at = name.length;
  let labels = NO_LABELS;
  if (line[at] === '{') {
    const read = parseLabels(line, at + 1);
    if (read === undefined) return undefined;
    ({ labels, at } = read);
  }
  const [value] = line.slice(at).trim().split(/\s+/, 1);
  const number = value === undefined || value === '' ? NaN : toNumber(value);
  return Number.isNaN(number) ? undefined : { name, labels, value: number };
}

interface ReadLabels {
  readonly labels: Labels;
  /** Where they end. */
  readonly at: number;
}

function parseLabels(line: string, from: number): ReadLabels | undefined {
  const end = line.lastIndexOf('}') + 1;
  const text = line.slice(from, end);
  const labels = known.get(text);
  if (labels !== undefined) return { labels, at: end };
  // A copy: a part of a text keeps the whole of it in memory.
  const copy = Buffer.from(text).toString();
  const read = readLabels(copy);
  if (read === undefined) return undefined;
  if (read.at === copy.length) {
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(copy, read.labels);
  }
  return { labels: read.labels, at: from + read.at };
}

function readLabels(line: string): ReadLabels | undefined {
  const pairs: (readonly [string, string])[] = [];
  for (let at = 0; ;) {
    if (line[at] === '}') return { labels: createLabels(pairs), at: at + 1 };
    LABEL.lastIndex = at;
    const match = LABEL.exec(line);
    if (match === null) return undefined;
    const [all, name = '', value = '', end] = match;
    pairs.push([
      name,
      value.replaceAll(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter),
    ]);
    at += all.length;
    if (end === '}') return { labels: createLabels(pairs), at };
  }
}

function toNumber(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}
