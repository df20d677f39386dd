/** `drover up` as a process of its own, as an operator would start it. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { NetworkNamespace } from '#test/network-namespace.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface StartOptions {
  readonly args: readonly string[];
  /** The process lives in it, and is reached through `openRelay`. */
  readonly namespace?: NetworkNamespace | undefined;
  /** As users run it, in `npm test` too. */
  readonly isFromSources?: boolean | undefined;
}

const DROVER_MAIN = fileURLToPath(new URL('../src/apps/drover/main.ts', import.meta.url));
/** `scripts/test.ts` makes few files of it and names them here; see scripts/bundled-program.ts. */
const PROGRAM = process.env['DROVER_TEST_PROGRAM'] ?? DROVER_MAIN;
/** What is compiled of them goes where they go. */
const CACHED =
  PROGRAM === DROVER_MAIN ? {} : { NODE_COMPILE_CACHE: join(dirname(PROGRAM), 'compiled') };
const MOST_LOG_CHARS = 200_000;

export class DroverProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  /** What it wrote to stderr, the end of it if that was much. */
  log = '';
  /** As the ready line has it. */
  readyUrl = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.exited = once(child, 'close').then(() => ({
      code: child.exitCode,
      signal: child.signalCode,
    }));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.log = (this.log + text).slice(-MOST_LOG_CHARS);
    });
  }

  /** Returns once the ready line is there; a process that ends before it is an error. */
  static async start({ args, namespace, isFromSources }: StartOptions): Promise<DroverProcess> {
    const command = [
      process.execPath,
      isFromSources === true ? DROVER_MAIN : PROGRAM,
      'up',
      ...args,
    ];
    const inside = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace.name];
    const [program = '', ...rest] = [...inside, ...command];
    const child = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: isFromSources === true ? cleanEnvironment() : { ...cleanEnvironment(), ...CACHED },
    });
    const started = new DroverProcess(child);
    if (child.stdout === null) throw new Error('drover up has no stdout');
    const lines = createInterface({ input: child.stdout });
    const { promise: ready, resolve } = Promise.withResolvers<string>();
    lines.on('line', (line) => {
      const url = /^drover ready (\S+)$/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
    const ended = started.exited.then(({ code, signal }) => {
      throw new Error(`drover up ended with ${signal ?? code}:\n${started.log}`);
    });
    // Awaited here only; a later end is no failure of the start.
    ended.catch(() => undefined);
    started.readyUrl = await Promise.race([ready, ended]);
    return started;
  }

  async end(signal: NodeJS.Signals): Promise<Exit> {
    this.#child.kill(signal);
    return await this.exited;
  }
}

/** A developer's own settings must not reach the programs under test. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('DROVER_') && name !== 'NODE_TEST_CONTEXT',
  );
  return Object.fromEntries(kept);
}
