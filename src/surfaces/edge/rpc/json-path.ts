/** Where in a JSON document something stands; spelled out only when there is a refusal to write. */
import { DroverError, invalidArgument } from '#kernel/errors.ts';

/** A linked list from the leaf to the root, so that going deeper costs one small object. */
export interface JsonPath {
  readonly parent: JsonPath | undefined;
  readonly step: string | number;
}

const PLAIN_STEP = /^[A-Za-z_][A-Za-z0-9_]*$/;
const MAX_STEP_CHARS = 64;

/** `config.storage[0].path_on_host`, `metadata["odd key"]`. */
export function formatPath(path: JsonPath): string {
  const head = path.parent === undefined ? '' : formatPath(path.parent);
  const { step } = path;
  if (typeof step === 'number') return `${head}[${step}]`;
  if (!PLAIN_STEP.test(step)) return `${head}[${JSON.stringify(step.slice(0, MAX_STEP_CHARS))}]`;
  const name = step.slice(0, MAX_STEP_CHARS);
  return head === '' ? name : `${head}.${name}`;
}

/** The refusal of a value of the wrong type; no path means the document itself. */
export function wrongType(path: JsonPath | undefined, expected: string, got: unknown): DroverError {
  const problem = `expected ${expected}, got ${describeJson(got)}`;
  if (path !== undefined) return invalidArgument(formatPath(path), problem);
  return new DroverError('invalid_argument', `the request body: ${problem}`, {
    reason: 'INVALID_FIELD',
  });
}

function describeJson(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return `the number ${value}`;
  return value === '' ? 'an empty string' : 'a string';
}
