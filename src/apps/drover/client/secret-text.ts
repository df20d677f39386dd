/** Secrets come from a file, a pipe or a keyboard: every user of a host can read arguments. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { Invocation } from '#apps/drover/command.ts';
import { CTRL_C } from '#apps/drover/top/screen.ts';
import type { Screen } from '#apps/drover/top/screen.ts';
import { DroverError, invalidArgument, systemErrorCode, toDroverError } from '#kernel/errors.ts';

export interface SecretQuestion {
  /** The option that names a file with it: `password-file`. */
  readonly option: string;
  /** What it is: `the password of ada at lab`. */
  readonly what: string;
}

const LONGEST = 1024;
const STANDARD_INPUT = '-';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';
const ESCAPE = '\u001B';
const ERASE = new Set(['\b', '\u007F']);
const ENTER = new Set(['\r', '\n']);
const CONTROL = /\p{Cc}/u;

/** From the file that the option names; without one, whoever sits there is asked. */
export async function readSecret(
  invocation: Invocation,
  { option, what }: SecretQuestion,
): Promise<string> {
  const file = invocation.options.text(option);
  if (file !== undefined) return await readSecretFile(invocation, `--${option}`, file);
  const { keyboard } = invocation.terminal;
  if (keyboard === undefined) {
    const problem = `is missing: nobody can be asked for ${what}; name a file with it, or - for`;
    throw invalidArgument(`--${option}`, `${problem} the standard input`);
  }
  invocation.terminal.note(`type ${what}, then Enter; it is not shown:`);
  const typed = await askHidden(keyboard, invocation.signal);
  if (typed !== '') return typed;
  throw new DroverError('cancelled', 'nothing was typed');
}

/** `-` is the standard input. One line break at the end belongs to the file, not to the secret. */
export async function readSecretFile(
  { terminal, env, signal }: Invocation,
  field: string,
  file: string,
): Promise<string> {
  const text =
    file === STANDARD_INPUT
      ? await readInput(terminal.input?.(signal) ?? noInput(), signal)
      : await readFile(resolve(env.currentDir, file), 'utf8').catch((thrown: unknown) => {
          throw invalidArgument(field, `${file} cannot be read (${systemErrorCode(thrown)})`);
        });
  const secret = text.replace(/\r?\n$/, '');
  if (secret !== '' && secret.length <= LONGEST && !/[\r\n]/.test(secret)) return secret;
  throw invalidArgument(field, `must hold one line of at most ${LONGEST} characters`);
}

async function readInput(input: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of input) {
      chunks.push(chunk);
      bytes += chunk.length;
      // Of what is too long, enough is read to say so.
      if (bytes > 4 * LONGEST) break;
    }
  } catch (thrown) {
    throw toDroverError(signal.aborted ? signal.reason : thrown);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* noInput(): AsyncGenerator<Uint8Array, void> {}

async function askHidden(keyboard: Screen, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const { promise, resolve: answer, reject } = Promise.withResolvers<string>();
  const typed: string[] = [];
  const give = (char: string) => {
    if (ENTER.has(char)) answer(typed.join(''));
    else if (char === CTRL_C || char === CTRL_D) {
      reject(new DroverError('cancelled', 'interrupted'));
    } else if (char === CTRL_U) typed.length = 0;
    else if (ERASE.has(char)) typed.pop();
    else if (!CONTROL.test(char) && typed.length < LONGEST) typed.push(char);
  };
  using _keys = keyboard.listen({
    onKey(key) {
      // Arrows and their like; what is pasted comes as one key of many characters.
      if (!key.startsWith(ESCAPE)) for (const char of key) give(char);
    },
    onResize: () => undefined,
  });
  const onAbort = () => reject(toDroverError(signal.reason));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
