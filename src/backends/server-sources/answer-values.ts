/** Values out of answers that came from elsewhere: what is not of the kind is undefined. */

export type AnswerObject = Readonly<Record<string, unknown>>;

const NOTHING: AnswerObject = {};

/** Empty when it is none, so that what is asked of it is undefined. */
export function objectOf(value: unknown): AnswerObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return NOTHING;
  return value as AnswerObject;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Some write numbers as texts. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** Of sizes and times, where less than nothing is no answer. */
export function amountOf(value: unknown): number | undefined {
  const number = numberOf(value);
  return number === undefined || number < 0 ? undefined : number;
}

/** Undefined when any is unknown: a sum without it would be wrong. */
export function sumOf(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce<number | undefined>(
    (sum, value) => (sum === undefined || value === undefined ? undefined : sum + value),
    0,
  );
}

export function percentOf(part: number | undefined, whole: number | undefined): number | undefined {
  if (part === undefined || whole === undefined || whole <= 0) return undefined;
  return (part * 100) / whole;
}
