/** Runs one of the host's programs to its end. Never through a shell. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';

export interface CommandOptions {
  readonly signal: AbortSignal;
  readonly directory?: string;
}

const MAX_OUTPUT_BYTES = 64 * MIB;

/** Which Debian package has the program, for the message that says it is missing. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  'apt-cache': 'apt',
  'apt-get': 'apt',
  'dpkg-deb': 'dpkg',
  mke2fs: 'e2fsprogs',
  xz: 'xz-utils',
};

const execFileAsync = promisify(execFile);

/** Resolves with what the program wrote to stdout; a failure carries the end of its stderr. */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<Buffer> {
  try {
    const { stdout } = await execFileAsync(program, [...args], {
      encoding: 'buffer',
      signal: options.signal,
      maxBuffer: MAX_OUTPUT_BYTES,
      // Administrators' programs such as mke2fs are not in everybody's PATH.
      env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, LC_ALL: 'C' },
      ...(options.directory === undefined ? {} : { cwd: options.directory }),
    });
    return stdout;
  } catch (thrown) {
    options.signal.throwIfAborted();
    if (systemErrorCode(thrown) === 'ENOENT') throw programMissing(program, thrown);
    throw new DroverError(
      'failed_precondition',
      `${program} ${args[0] ?? ''} failed: ${lastLines(thrown)}`,
      { reason: 'COMMAND_FAILED', context: { program, args }, cause: thrown },
    );
  }
}

function programMissing(program: string, cause: unknown): DroverError {
  const name = PACKAGE_OF[program];
  const fix = name === undefined ? '' : `; install the package ${name}`;
  return new DroverError('failed_precondition', `the program ${program} is missing${fix}`, {
    reason: 'PROGRAM_MISSING',
    metadata: { program, ...(name === undefined ? {} : { package: name }) },
    cause,
  });
}

function lastLines(thrown: unknown): string {
  const isFailure = thrown instanceof Error && 'stderr' in thrown;
  const text = isFailure ? String(thrown.stderr).trim() : '';
  if (text === '') return thrown instanceof Error ? thrown.message : 'for no reason it gave';
  return text.split('\n').slice(-3).join(' ');
}
