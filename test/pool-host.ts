/**
 * A data directory, and the servers with apps that run on it one after the other. Neither servers
 * nor workers are left after it.
 */
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DroverProcess } from './drover-process.ts';
import { until } from './until.ts';

export class PoolHost implements AsyncDisposable {
  readonly dataDir: string;
  readonly #flags: readonly string[];
  #server: DroverProcess | undefined;

  private constructor(dataDir: string, flags: readonly string[]) {
    this.dataDir = dataDir;
    this.#flags = flags;
  }

  static async open(flags: readonly string[] = []): Promise<PoolHost> {
    const dataDir = await mkdtemp(join(tmpdir(), 'drover-pool-'));
    // Workers are other users, and their apps lie in here.
    await chmod(dataDir, 0o755);
    return new PoolHost(dataDir, flags);
  }

  async up(): Promise<DroverProcess> {
    const args = ['--data', this.dataDir, '--port', '0', '--network-mode', 'user'];
    this.#server = await DroverProcess.start({ args: [...args, ...this.#flags] });
    return this.#server;
  }

  /** The processes of workers that have their folder in the data directory. */
  async members(): Promise<number[]> {
    const found: number[] = [];
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name) || Number(name) === this.#server?.pid) continue;
      // A process that ends while it is looked at has none.
      const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
      if (command.includes(join(this.dataDir, 'run', 'members'))) found.push(Number(name));
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.end('SIGKILL');
    await until(async () => ((await this.members()).length === 0 ? true : undefined), 'no members');
    await rm(this.dataDir, { recursive: true, force: true, maxRetries: 3 });
  }
}
