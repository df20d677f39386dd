/** A network namespace of a test's own: what happens in it touches no network of the host. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

import { randomHex } from '#kernel/random.ts';

const run = promisify(execFile);

/** Why no namespace can be made here, for a test's `skip`; false where it can. */
export async function namespacesMissing(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'needs root, to make network namespaces';
  try {
    await using namespace = await NetworkNamespace.open();
    await namespace.run('ip', ['tuntap', 'add', 'dev', 'probe', 'mode', 'tap']);
    await namespace.run('nft', ['add', 'table', 'bridge', 'probe']);
    return false;
  } catch (thrown) {
    return `needs network namespaces, /dev/net/tun, iproute2 and nftables: ${String(thrown)}`;
  }
}

export class NetworkNamespace implements AsyncDisposable {
  readonly name: string;
  readonly #children = new Set<ChildProcess>();

  private constructor(name: string) {
    this.name = name;
  }

  static async open(): Promise<NetworkNamespace> {
    const namespace = new NetworkNamespace(`dr-test-${randomHex(4)}`);
    await run('ip', ['netns', 'add', namespace.name]);
    await namespace.run('ip', ['link', 'set', 'lo', 'up']);
    return namespace;
  }

  /** Its output; rejects when it fails. */
  async run(program: string, args: readonly string[]): Promise<string> {
    const { stdout } = await run('ip', ['netns', 'exec', this.name, program, ...args]);
    return stdout;
  }

  /** Ended with the namespace at the latest. */
  start(program: string, args: readonly string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.name, program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return child;
  }

  /** Whether an answer comes from there; asks `tries` times, each for at most a second. */
  async canReach(address: string, { from, tries = 3 }: Ask = {}): Promise<boolean> {
    const source = from === undefined ? [] : ['-I', from];
    for (let attempt = 0; attempt < tries; attempt += 1) {
      const args = ['ping', '-c', '1', '-W', '1', ...source, address];
      const isAnswered = await this.run('busybox', args).then(
        () => true,
        () => false,
      );
      if (isAnswered) return true;
    }
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    }
    await run('ip', ['netns', 'del', this.name]);
  }
}

interface Ask {
  readonly from?: string;
  readonly tries?: number;
}
