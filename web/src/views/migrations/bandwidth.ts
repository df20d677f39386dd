/** A limit as it is typed, in MiB a second; the API has bytes. */
const MIB = 1024 * 1024;

/** Null for none; undefined for what is no limit. */
export function parseLimit(typed: string): number | null | undefined {
  const text = typed.trim();
  if (text === '') return null;
  const bytes = Math.round(Number(text) * MIB);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

export function limitToText(bytes: number | null): string {
  return bytes === null ? '' : String(Math.round((bytes / MIB) * 1000) / 1000);
}
