/** Whose certificates are to be believed at another server, as options. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Invocation, OptionTable } from '#apps/drover/command.ts';
import { invalidArgument, systemErrorCode } from '#kernel/errors.ts';

export const TRUST_OPTIONS: OptionTable = {
  thumbprint: {
    kind: 'text',
    argument: 'SHA256',
    doc: 'Of the certificate there, to believe that one alone.',
  },
  'source-ca': {
    kind: 'text',
    argument: 'FILE',
    doc: 'PEM certificates of the authorities to believe there.',
  },
  insecure: { kind: 'flag', doc: 'Believe every certificate there.' },
};

/** What is in the file that the option names. */
export async function readPemFile(
  { options, env }: Invocation,
  option: string,
): Promise<string | undefined> {
  const file = options.text(option);
  if (file === undefined) return undefined;
  const path = resolve(env.currentDir, file);
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    throw invalidArgument(`--${option}`, `${path} cannot be read (${systemErrorCode(thrown)})`);
  }
}
