/** Which distribution this is. */
import { readFileSync } from 'node:fs';
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, createCollector, family, SeldomTurn } from './collector-context.ts';

const INFO = family('node_os_info', 'gauge', 'Always 1; the labels are from os-release.');
const VERSION = family('node_os_version', 'gauge', 'The version, as far as it is a number.', 6);
const PLACES = ['/etc/os-release', '/usr/lib/os-release'];
const LABELS = [
  ...['build_id', 'id', 'id_like', 'image_id', 'image_version', 'name', 'pretty_name'],
  ...['variant', 'variant_id', 'version', 'version_codename', 'version_id'],
];

export function createOsCollector({ table, fileRoot }: CollectorContext): Collector {
  const turn = new SeldomTurn();
  let info: LiveSeries | undefined;
  let version: LiveSeries | undefined;
  let sample = NaN;
  return createCollector({
    name: 'os',
    collect(tick) {
      if (turn.isDue(tick)) {
        const release = parseOsRelease(readRelease(fileRoot));
        const get = (label: string) => release.get(label.toUpperCase()) ?? '';
        const labels = Object.fromEntries(LABELS.map((label) => [label, get(label)]));
        info = table.family(INFO).series(labels);
        const { id = '', id_like = '', name = '' } = labels;
        version = table.family(VERSION).series({ id, id_like, name });
        sample = parseVersion(get('version_id'));
      }
      info?.set(1);
      version?.set(sample);
    },
  });
}

function readRelease(fileRoot: string): string {
  for (const place of PLACES) {
    try {
      return readFileSync(`${fileRoot}${place}`, 'utf8');
    } catch {
      // The second place is for systems without the first.
    }
  }
  throw new Error(`there is neither ${PLACES.join(' nor ')}`);
}

/** Lines of `NAME=value`, the value in the quotes of a shell where it needs them. */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [, name = '', raw = ''] of text.matchAll(/^\s*([A-Z][A-Z0-9_]*)=(.*?)\s*$/gm)) {
    const quoted = /^(["'])(.*)\1$/.exec(raw);
    const value = quoted?.[2] ?? raw;
    values.set(name, quoted?.[1] === "'" ? value : value.replace(/\\(["'\\$`])/g, '$1'));
  }
  return values;
}

/** `12` and `22.04` as they stand; NaN for what is no number, which a version may be. */
function parseVersion(text: string): number {
  const [, whole = '', part = ''] = /^(\d{1,6})(?:\.(\d{0,6}))?/.exec(text) ?? [];
  return whole === '' ? NaN : Number(`${whole}${part.padEnd(6, '0')}`);
}
