/**
 * Reads text as Prometheus scrapes it. It comes from elsewhere: lines that cannot be read are left
 * out, and so is what nobody wants, before any of it takes memory.
 */
import { createLabels, type Labels } from '#metrics/labels.ts';
import type { Sample } from './sample-set.ts';

const MOST_SAMPLES = 200_000;
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|\})/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', '\\': '\\', '"': '"' };
const NO_LABELS: Labels = {};

export function* parseExposition(
  text: string,
  isWanted: (name: string) => boolean,
): Generator<Sample> {
  let count = 0;
  for (let at = 0; at < text.length && count < MOST_SAMPLES;) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end === -1 ? text.length : end);
    at = end === -1 ? text.length : end + 1;
    const sample = parseLine(line, isWanted);
    if (sample === undefined) continue;
    count += 1;
    yield sample;
  }
}

function parseLine(line: string, isWanted: (name: string) => boolean): Sample | undefined {
  if (line.startsWith('#')) return undefined;
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

function parseLabels(
  line: string,
  from: number,
): { readonly labels: Labels; readonly at: number } | undefined {
  const pairs: (readonly [string, string])[] = [];
  for (let at = from; ;) {
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
