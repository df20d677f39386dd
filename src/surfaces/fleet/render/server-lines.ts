/** `…/prometheus` of any server: the lines that `/metrics` has of it. */
import { labelsOf, putServer, SERVER_FAMILIES } from '#fleet/server-collector.ts';
import type { ServerSnapshot } from '#fleet/server-snapshot.ts';
import { createLabels, labelsToText } from '#metrics/labels.ts';
import { toNumber } from './units.ts';

export function serverToLines(snapshot: ServerSnapshot): readonly string[] {
  const lines: string[] = [];
  putServer(snapshot, (key, value, label) => {
    const { name, scale } = SERVER_FAMILIES[key];
    const shown = toNumber(value, scale);
    if (shown === null) return;
    const all = createLabels(Object.entries(labelsOf(snapshot.server.id, key, label)));
    lines.push(`${name}{${labelsToText(all)}} ${shown}`);
  });
  return lines;
}
