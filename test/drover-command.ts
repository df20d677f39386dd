/** The `drover` command as a user of the shell meets it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { DroverHost } from '#test/drover-host.ts';
import { cleanEnvironment } from '#test/drover-process.ts';

export const DROVER = fileURLToPath(new URL('../drover', import.meta.url));

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface ShellOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Where it runs; undefined for where the tests do. */
  readonly cwd: string | undefined;
}

/** A command that was started, and what it has written so far. */
export class Shell {
  readonly child: ChildProcess;
  readonly ended: Promise<Result>;
  stdout = '';
  stderr = '';

  constructor(program: string, args: readonly string[], options: ShellOptions) {
    this.child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(this.child, 'close').then(() => ({
      code: this.child.exitCode,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  async prints(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout)) {
      if (this.child.exitCode !== null) assert.fail(`ended before ${pattern}:\n${this.stderr}`);
      await Promise.race([once(this.child.stdout ?? this.child, 'data'), this.ended]);
    }
  }
}

type Variables = Readonly<Record<string, string>>;

/** The command for the server of a host, if one runs; whatever it started ends with the test. */
export class CommandLine {
  readonly #t: TestContext;
  readonly #host: DroverHost;
  readonly #directory: string | undefined;

  /** The commands run in the directory, if one is given. */
  constructor(t: TestContext, host: DroverHost, directory?: string) {
    this.#t = t;
    this.#host = host;
    this.#directory = directory;
  }

  start(args: readonly string[], variables: Variables = {}): Shell {
    return this.#start(DROVER, args, variables);
  }

  async run(args: readonly string[], variables: Variables = {}): Promise<Result> {
    return await this.start(args, variables).ended;
  }

  /** What a command prints that has to succeed. */
  async output(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    assert.equal(code, 0, `drover ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  }

  /** A line of a document, as a shell takes it. */
  async line(text: string): Promise<Result> {
    return await this.#start('sh', ['-c', text], {}).ended;
  }

  #start(program: string, args: readonly string[], variables: Variables): Shell {
    const { imagesDir, dataDir, isUp } = this.#host;
    const places = { DROVER_IMAGES_DIRECTORIES: imagesDir, DROVER_DATA: dataDir };
    const server = isUp ? { DROVER_SERVER: this.#host.url } : {};
    const env = { ...cleanEnvironment(), ...places, ...server, ...variables };
    const shell = new Shell(program, args, { env, cwd: this.#directory });
    this.#t.after(() => shell.child.kill('SIGKILL'));
    return shell;
  }
}
