/** What a job came to, for people. */
import type { Fact } from '#apps/drover/client/sheet-text.ts';
import { formatBytes } from '#kernel/units.ts';
import type { WireJob } from './wire-job.ts';

/** In words of their own: what was found before a start, and what was odd on the way. */
const APART = new Set(['warnings', 'findings']);

interface WireFinding {
  readonly severity: string;
  readonly message: string;
  readonly remedy?: string | null;
}

/** Parts of a map become facts of their own; numbers of bytes are shown as sizes. */
export function resultToFacts({ result }: WireJob): readonly Fact[] {
  return Object.entries(result ?? {})
    .filter(([name]) => !APART.has(name))
    .flatMap(([name, value]) => toFacts(name.replaceAll('_', ' '), value));
}

/** Of a preflight alone all that it found, of a migration its warnings. */
export function findingsToFacts({ result }: WireJob): readonly Fact[] {
  const all = result?.['findings'] ?? result?.['warnings'];
  if (!Array.isArray(all)) return [];
  return (all as readonly WireFinding[]).map(({ severity, message, remedy }): Fact => {
    return [severity, remedy ? `${message}: ${remedy}` : message];
  });
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
