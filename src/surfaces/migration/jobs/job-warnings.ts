/**
 * What of a request for a job is not done as it says: names that look mistyped, and what the
 * program before this one did and this one does otherwise.
 */
import { nearMisses } from '#surfaces/migration/near-misses.ts';
import { FORMER_METHODS } from '#transfers/parse-options.ts';
import { JOB_FIELDS } from './job-fields.ts';

/** `path` goes before each name. */
export function jobWarnings(raw: unknown, path = ''): readonly string[] {
  return [...nearMisses(raw, JOB_FIELDS, path), ...formerWays(raw, path)];
}

/** Of those names that are known. */
export function formerWays(raw: unknown, path = ''): readonly string[] {
  const fields = entriesOf(raw);
  const methods = [
    ...['export_method', 'method'].map((name) => [name, fields[name]] as const),
    ['options.conversion_method', entriesOf(fields['options'])['conversion_method']] as const,
  ].flatMap(([name, method]) => {
    const former = FORMER_METHODS.find((each) => each === method);
    return former === undefined ? [] : [`${path}${name}: ${former} is taken for auto`];
  });
  const isFormatted = (fields['format'] ?? undefined) !== undefined;
  const written = 'disks are written as options.disk_format says';
  return [...methods, ...(isFormatted ? [`${path}format: is ignored; ${written}`] : [])];
}

function entriesOf(raw: unknown): Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null ? Object.fromEntries(Object.entries(raw)) : {};
}
