/** Real NBD servers on a socket of this host: Debian's nbdkit, and qemu-nbd of qemu-utils. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '#test/until.ts';

export interface NbdProgram extends AsyncDisposable {
  readonly socketPath: string;
}

/** `args` as on its command line, apart from where it listens. */
export async function openNbdProgram(
  program: 'nbdkit' | 'qemu-nbd',
  ...args: readonly string[]
): Promise<NbdProgram> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'drover-nbd-test-'));
  stack.defer(() => rm(directory, { recursive: true }));
  const [socketPath, pidPath] = [join(directory, 'socket'), join(directory, 'pid')];
  const where =
    program === 'nbdkit'
      ? ['-f', '--exit-with-parent', '-U', socketPath, '-P', pidPath]
      : ['-k', socketPath, `--pid-file=${pidPath}`, '-t', '-e', '4'];
  const child = spawn(program, [...where, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  stack.defer(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  let isGone = false;
  const onEnd = () => void (isGone = true);
  ended.then(onEnd, onEnd);
  await until(() => {
    if (isGone) throw new Error(`${program} ended; Debian has it in nbdkit, and in qemu-utils`);
    return existsSync(pidPath) || undefined;
  }, `${program} to listen`);
  const closing = stack.move();
  return { socketPath, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}
