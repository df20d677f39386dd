/** How the values of a chart are written, and by what steps its axis goes. */
import {
  bitsPerSecond,
  bytes,
  bytesPerSecond,
  celsius,
  countPerSecond,
  decimal,
  percent,
  type Known,
  type Quantity,
} from './numbers.ts';
import { durationQuantity } from './times.ts';

export interface ChartUnit {
  readonly format: (value: Known) => Quantity;
  /** The axis goes by powers of two. */
  readonly isBinary?: boolean;
  /** The axis ends here at the least. */
  readonly atLeast?: number;
}

export const CHART_UNITS = {
  bits: { format: bitsPerSecond },
  bytes: { format: bytes, isBinary: true },
  bytesPerSecond: { format: bytesPerSecond, isBinary: true },
  celsius: { format: celsius },
  watts: { format: (value) => decimal(value, 'W') },
  count: { format: (value) => decimal(value) },
  perSecond: { format: countPerSecond },
  percent: { format: percent, atLeast: 100 },
  /** Of the time, or of a whole, where a little is worth seeing. */
  share: { format: percent },
  seconds: { format: durationQuantity },
} as const satisfies Readonly<Record<string, ChartUnit>>;
