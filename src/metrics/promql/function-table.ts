/** Which functions there are, what they take and what they give. */
import type { ValueType } from './syntax-tree.ts';

export interface FunctionSignature {
  readonly parameters: readonly ValueType[];
  /** How many of the last parameters may be left out. */
  readonly optional: number;
  /** The last parameter may come any number of times more. */
  readonly isVariadic: boolean;
  readonly returns: ValueType;
}

function signature(
  parameters: readonly ValueType[],
  more: Partial<Omit<FunctionSignature, 'parameters'>> = {},
): FunctionSignature {
  return { parameters, optional: 0, isVariadic: false, returns: 'vector', ...more };
}

const OF_VECTOR = signature(['vector']);
const OF_MATRIX = signature(['matrix']);
const OF_TIME = signature(['vector'], { optional: 1 });

const VECTOR_FUNCTIONS = [
  ...['abs', 'absent', 'ceil', 'exp', 'floor', 'ln', 'log2', 'log10', 'sgn', 'sqrt'],
  ...['acos', 'acosh', 'asin', 'asinh', 'atan', 'atanh', 'cos', 'cosh', 'sin', 'sinh'],
  ...['tan', 'tanh', 'deg', 'rad', 'sort', 'sort_desc', 'timestamp'],
];
const MATRIX_FUNCTIONS = [
  ...['rate', 'increase', 'delta', 'irate', 'idelta', 'deriv', 'changes', 'resets'],
  ...['avg_over_time', 'min_over_time', 'max_over_time', 'sum_over_time', 'count_over_time'],
  ...['last_over_time', 'present_over_time', 'stddev_over_time', 'stdvar_over_time'],
  'absent_over_time',
];
export const TIME_FUNCTIONS = [
  ...(['minute', 'hour', 'day_of_week', 'day_of_month', 'day_of_year'] as const),
  ...(['days_in_month', 'month', 'year'] as const),
] as const;

export const FUNCTIONS: ReadonlyMap<string, FunctionSignature> = new Map([
  ...VECTOR_FUNCTIONS.map((name) => [name, OF_VECTOR] as const),
  ...MATRIX_FUNCTIONS.map((name) => [name, OF_MATRIX] as const),
  ...TIME_FUNCTIONS.map((name) => [name, OF_TIME] as const),
  ['quantile_over_time', signature(['scalar', 'matrix'])],
  ['predict_linear', signature(['matrix', 'scalar'])],
  ['histogram_quantile', signature(['scalar', 'vector'])],
  ['clamp', signature(['vector', 'scalar', 'scalar'])],
  ['clamp_min', signature(['vector', 'scalar'])],
  ['clamp_max', signature(['vector', 'scalar'])],
  ['round', signature(['vector', 'scalar'], { optional: 1 })],
  ['label_replace', signature(['vector', 'string', 'string', 'string', 'string'])],
  [
    'label_join',
    signature(['vector', 'string', 'string', 'string'], { optional: 1, isVariadic: true }),
  ],
  ['scalar', signature(['vector'], { returns: 'scalar' })],
  ['vector', signature(['scalar'])],
  ['time', signature([], { returns: 'scalar' })],
  ['pi', signature([], { returns: 'scalar' })],
]);

export function isTimeFunction(name: string): name is (typeof TIME_FUNCTIONS)[number] {
  return (TIME_FUNCTIONS as readonly string[]).includes(name);
}
