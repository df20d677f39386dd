/** What a job came to, for people. */
import type { Fact } from '#apps/drover/client/sheet-text.ts';
import { formatBytes } from '#kernel/units.ts';
import type { WireJob } from './wire-job.ts';

/** Told by themselves, or of no use to people. */
const APART = new Set(['warnings', 'findings']);

/** Parts of a map become facts of their own; numbers of bytes are shown as sizes. */
export function resultToFacts({ result }: WireJob): readonly Fact[] {
  return Object.entries(result ?? {})
    .filter(([name]) => !APART.has(name))
    .flatMap(([name, value]) => toFacts(name.replaceAll('_', ' '), value));
}

function toFacts(name: string, value: unknown): readonly Fact[] {
  if (value === null || value === undefined) return [];
  if (typeof value === 'number' && name.endsWith(' bytes')) {
    return [[name.slice(0, -' bytes'.length), formatBytes(value)]];
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return [[name, value]];
  }
  if (Array.isArray(value)) return value.map((part): Fact => [name, toText(part)]);
  return Object.entries(value).map(([key, part]): Fact => [`${name} ${key}`, toText(part)]);
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
