/** Aligned columns for people. The last column is not padded, so nothing trails. */
import { stripVTControlCharacters } from 'node:util';

export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const all = header.length === 0 ? rows : [header, ...rows];
  const widths: number[] = [];
  for (const row of all) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, widthOf(cell));
  }
  const lines = all.map((row) =>
    row
      .map((cell, at) =>
        at === row.length - 1 ? cell : cell + ' '.repeat((widths[at] ?? 0) - widthOf(cell) + 2),
      )
      .join('')
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join('');
}

/** Names come from callers: what a terminal would act on is shown as `?`. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '?');
}

const SEGMENTER = new Intl.Segmenter();

function widthOf(cell: string): number {
  return Array.from(SEGMENTER.segment(stripVTControlCharacters(cell))).length;
}

const STEPS = [
  { unit: 'd', seconds: 86_400 },
  { unit: 'h', seconds: 3600 },
  { unit: 'm', seconds: 60 },
] as const;

/** `5s`, `3m`, `7h`, `12d`: one unit is enough to tell machines apart. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const step = STEPS.find((one) => seconds >= one.seconds);
  return step === undefined ? `${seconds}s` : `${Math.floor(seconds / step.seconds)}${step.unit}`;
}
