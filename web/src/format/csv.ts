/** A table as CSV that spreadsheets open and do not take for formulas. */

export type CsvCell = string | number | null | undefined;

export function toCsv(titles: readonly string[], rows: Iterable<readonly CsvCell[]>): string {
  const lines = [titles.map(cellToText).join(',')];
  for (const row of rows) lines.push(row.map(cellToText).join(','));
  return `${lines.join('\r\n')}\r\n`;
}

function cellToText(cell: CsvCell): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : '';
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
