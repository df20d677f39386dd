/** What all series of one metric share. Declared once, as a constant, beside who measures it. */

export type MetricKind = 'counter' | 'gauge' | 'untyped';

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly kind: MetricKind;
  /**
   * Samples are whole numbers; what they mean is `sample / 10 ** scale`. So 12.34 s at scale 2 is
   * kept as 1234: exact, and far smaller once compressed than a binary fraction.
   */
  readonly scale: number;
}

/** Largest first power that is still exact in every product used here. */
const MAX_SCALE = 12;
const POWERS = Array.from({ length: MAX_SCALE + 1 }, (_, scale) => 10 ** scale);

export function powerOfScale(scale: number): number {
  const power = POWERS[scale];
  if (power === undefined) throw new RangeError(`scale ${scale} is not in 0..${MAX_SCALE}`);
  return power;
}

/** The nearest double to the decimal number; dividing once by a power of ten gives exactly it. */
export function sampleToNumber(sample: number, scale: number): number {
  return scale === 0 ? sample : sample / powerOfScale(scale);
}
