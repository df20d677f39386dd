/**
 * A value of a metric with the unit that its name ends in, as names of metrics do; of an expression
 * nobody knows it. Three digits that count: what crossed a limit by little still differs from it.
 */
import { bytes, bytesPerSecond, decimal, type Known, type Quantity } from './numbers.ts';

const PLAIN = /^([a-zA-Z_:][\w:]*?)(?:_total)?(?:\{.*\})?$/s;

const UNITS: readonly (readonly [ending: string, show: (value: Known) => Quantity])[] = [
  ['_percent', (value) => decimal(value, '%')],
  ['_bytes_per_second', bytesPerSecond],
  ['_bytes', bytes],
  ['_seconds', (value) => decimal(value, 's')],
  ['_celsius', (value) => decimal(value, '°C')],
  ['_watts', (value) => decimal(value, 'W')],
];

export function quantityOf(subject: string, value: Known): Quantity {
  const [, name = ''] = PLAIN.exec(subject) ?? [];
  const [, show = decimal] = UNITS.find(([ending]) => name.endsWith(ending)) ?? [];
  return show(value);
}
