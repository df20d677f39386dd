/** Names for the sizes that would otherwise be written out as digits. */
export const MIB = 1024 * 1024;
export const GIB = 1024 * MIB;
export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** `1536 MiB` → `1.5 GiB`: for sentences people read, never for answers programs parse. */
export function formatBytes(bytes: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let step = 0;
  while (value >= 1024 && step < names.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${names[step]}`;
}
