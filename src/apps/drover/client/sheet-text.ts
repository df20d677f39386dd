/** One thing on many lines, a fact on each; what is not known is left out. */
import { formatTable, printable } from './text-table.ts';

export type Fact = readonly [name: string, value: string | number | boolean | null | undefined];

export function formatSheet(facts: readonly Fact[]): string {
  const rows = facts.flatMap(([name, value]) => {
    if (value === null || value === undefined || value === '') return [];
    return [[name, printable(typeof value === 'boolean' ? (value ? 'yes' : 'no') : `${value}`)]];
  });
  return formatTable([], rows);
}

/** Of an object that is not known beforehand. */
export function factsOf(values: Readonly<Record<string, unknown>>): readonly Fact[] {
  return Object.entries(values).map(([name, value]): Fact => {
    const title = name.replaceAll('_', ' ');
    if (value === null || value === undefined) return [title, undefined];
    return [title, typeof value === 'string' ? value : JSON.stringify(value)];
  });
}

/** `kvm, libvirt uri qemu:///system`: a map in one line, without what it leaves open. */
export function mapToText(values: Readonly<Record<string, unknown>> | undefined): string {
  const parts = Object.entries(values ?? {}).flatMap(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value ?? null);
    if (['null', '{}', '[]', ''].includes(text)) return [];
    return [name === 'type' ? text : `${name.replaceAll('_', ' ')} ${text}`];
  });
  return parts.join(', ');
}
