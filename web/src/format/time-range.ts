/** The time that a view shows, as it stands in its address: `1h`, or `1795290000-1795293600`. */

export type TimeRange =
  | { readonly kind: 'last'; readonly seconds: number }
  | { readonly kind: 'between'; readonly from: number; readonly to: number };

const UNITS: Readonly<Record<string, number>> = {
  ...{ m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 },
};

/** What the picker offers, shortest first. */
export const TIME_RANGES = ['5m', '15m', '1h', '6h', '1d', '7d', '30d', '90d', '1y'] as const;

export const DEFAULT_TIME_RANGE: TimeRange = { kind: 'last', seconds: 3600 };
const SHORTEST_SECONDS = 10;

/** Of an address that somebody may have typed: the default when it says nothing. */
export function parseTimeRange(raw: unknown): TimeRange {
  const text = typeof raw === 'string' ? raw : '';
  const [, amount, unit = ''] = /^(\d{1,4})([mhdwy])$/.exec(text) ?? [];
  if (amount !== undefined) {
    return { kind: 'last', seconds: Math.max(1, Number(amount)) * (UNITS[unit] ?? 60) };
  }
  const [, from, to] = /^(\d{9,11})-(\d{9,11})$/.exec(text) ?? [];
  if (from === undefined || to === undefined) return DEFAULT_TIME_RANGE;
  return between(Number(from), Number(to));
}

/** In either order, and never so short that there is nothing to see. */
export function between(a: number, b: number): TimeRange {
  const from = Math.floor(Math.min(a, b));
  return {
    kind: 'between',
    from,
    to: Math.max(from + SHORTEST_SECONDS, Math.ceil(Math.max(a, b))),
  };
}

export function timeRangeToText(range: TimeRange): string {
  if (range.kind === 'between') return `${range.from}-${range.to}`;
  const named = TIME_RANGES.find((text) => secondsOf(text) === range.seconds);
  return named ?? `${Math.max(1, Math.round(range.seconds / 60))}m`;
}

/** In seconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export function spanOf(range: TimeRange, nowMs: number): Span {
  if (range.kind === 'between') return range;
  const to = Math.floor(nowMs / 1000);
  return { from: to - range.seconds, to };
}

function secondsOf(text: string): number {
  return Number.parseInt(text, 10) * (UNITS[text.at(-1) ?? ''] ?? 60);
}
