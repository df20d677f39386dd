/** Secrets that a setting holds, or says where they are: `{file: PATH}` or `{env: NAME}`. */
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { invalidArgument, systemErrorCode } from '#kernel/errors.ts';

const LONGEST_SECRET_BYTES = 4096;

/** What is no reference is answered as it is. `variables` are those that may be referred to. */
export async function resolveSecret(
  value: unknown,
  field: string,
  variables: Readonly<Record<string, string>>,
): Promise<unknown> {
  if (typeof value !== 'object' || value === null) return value;
  const [[kind, name] = [], ...others] = Object.entries(value);
  if (others.length > 0 || typeof name !== 'string' || (kind !== 'file' && kind !== 'env')) {
    throw invalidArgument(field, 'must be a text, {file: PATH} or {env: NAME}');
  }
  if (kind === 'file') return await readSecretFile(name, `${field}.file`);
  const text = variables[name];
  if (text !== undefined && text !== '') return text;
  const problem = 'must name a variable that is set and begins with DROVER_SECRET_, not';
  throw invalidArgument(`${field}.env`, `${problem} ${name}`);
}

/** One line break at the end belongs to the file, not to the secret. */
async function readSecretFile(path: string, field: string): Promise<string> {
  if (!isAbsolute(path)) throw invalidArgument(field, `must be an absolute path, not ${path}`);
  try {
    const found = await stat(path);
    if (found.isFile() && found.size > 0 && found.size <= LONGEST_SECRET_BYTES) {
      return (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
    }
  } catch (thrown) {
    throw invalidArgument(field, `${path} cannot be read (${systemErrorCode(thrown)})`);
  }
  throw invalidArgument(field, `${path} must be a file of 1 to ${LONGEST_SECRET_BYTES} bytes`);
}
