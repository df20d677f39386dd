/**
 * A private libvirtd and one virsh that stays connected to it. A session daemon has less to do
 * than the system's (no cgroups, no labels), which is to libvirt's advantage here.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { systemClock } from '#kernel/clock.ts';
import { PrivateLibvirtd } from '#test/libvirt/private-libvirtd.ts';

export interface Virsh extends AsyncDisposable {
  /** Sends a command and returns when its answer holds `expected`; the answer. */
  run(command: string, expected: string): Promise<string>;
}

const END_TIMEOUT_MS = 30_000;
const COMMAND_TIMEOUT_MS = 60_000;

export async function openPrivateLibvirt(directory: string): Promise<Virsh> {
  await using stack = new AsyncDisposableStack();
  const { uri, environment: env } = stack.use(await PrivateLibvirtd.open(directory));
  const virsh = spawn('virsh', ['--connect', uri], {
    ...{ cwd: directory, env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  stack.defer(() => end(virsh));
  const shell = new VirshShell(virsh);
  await shell.run('version', 'Running hypervisor');
  const owned = stack.move();
  return {
    run: (command, expected) => shell.run(command, expected),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

class VirshShell {
  readonly #stdin: Writable;
  #said = '';
  #heard = Promise.withResolvers<void>();

  constructor({ stdin, stdout, stderr }: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#stdin = stdin;
    for (const output of [stdout, stderr]) {
      output.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
        this.#heard.resolve();
      });
    }
  }

  async run(command: string, expected: string): Promise<string> {
    this.#said = '';
    this.#stdin.write(`${command}\n`);
    const signal = AbortSignal.timeout(COMMAND_TIMEOUT_MS);
    using _limit = systemClock.after(COMMAND_TIMEOUT_MS, () => this.#heard.resolve());
    while (!this.#said.includes(expected)) {
      if (signal.aborted || this.#said.includes('error:')) {
        throw new Error(`virsh ${command}: ${this.#said}`);
      }
      this.#heard = Promise.withResolvers();
      await this.#heard.promise;
    }
    return this.#said;
  }
}

async function end(child: {
  readonly pid?: number | undefined;
  readonly exitCode: number | null;
  kill(signal: NodeJS.Signals): boolean;
}): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const ended = once(child as NodeJS.EventEmitter & typeof child, 'exit');
  child.kill('SIGTERM');
  using _limit = systemClock.after(END_TIMEOUT_MS, () => child.kill('SIGKILL'));
  await ended;
}
