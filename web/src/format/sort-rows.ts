/** Order and choice of the rows of a table. */

export type SortValue = string | number | bigint | boolean | null | undefined;

export interface Sort {
  readonly column: string;
  readonly descending: boolean;
}

/** Made when first needed: it takes a while. */
let texts: Intl.Collator | undefined;

/** What is not known comes last, in either direction. Equal rows keep their order. */
export function sortRows<Row>(
  rows: readonly Row[],
  valueOf: (row: Row) => SortValue,
  descending: boolean,
): Row[] {
  const keyed = rows.map((row) => ({ row, value: valueOf(row) ?? undefined }));
  keyed.sort((a, b) => {
    if (a.value === undefined || b.value === undefined) {
      return Number(a.value === undefined) - Number(b.value === undefined);
    }
    return compare(a.value, b.value) * (descending ? -1 : 1);
  });
  return keyed.map(({ row }) => row);
}

function compare(a: NonNullable<SortValue>, b: NonNullable<SortValue>): number {
  if (typeof a === 'string' || typeof b === 'string') {
    texts ??= new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
    return texts.compare(String(a), String(b));
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Those in whose texts every word of the filter is found. */
export function filterRows<Row>(
  rows: readonly Row[],
  filter: string,
  textsOf: (row: Row) => readonly (string | null | undefined)[],
): readonly Row[] {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const text = textsOf(row).join('\n').toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** `name`, `-name` in an address. */
export function parseSort(raw: unknown, columns: readonly string[], fallback: Sort): Sort {
  if (typeof raw !== 'string') return fallback;
  const descending = raw.startsWith('-');
  const column = descending ? raw.slice(1) : raw;
  return columns.includes(column) ? { column, descending } : fallback;
}

export function sortToText({ column, descending }: Sort): string {
  return descending ? `-${column}` : column;
}
