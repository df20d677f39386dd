/** `drover up` on a folder of its own, to be killed and started anew. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { DroverProcess } from '#test/drover-process.ts';
import { MigrationApi } from '#test/migration-api.ts';
import type { MigrationCheckpoint } from '#transfers/migration-checkpoint.ts';

const MOST_LOG_CHARS = 8000;

export class Victim {
  readonly api = new MigrationApi('');
  readonly #dataDir: string;
  readonly #directories: readonly string[];
  #process: DroverProcess | undefined;

  private constructor(dataDir: string, directories: readonly string[]) {
    this.#dataDir = dataDir;
    this.#directories = directories;
  }

  static async start(t: TestContext, directories: readonly string[]): Promise<Victim> {
    const dataDir = await mkdtemp(join(tmpdir(), 'drover-victim-'));
    const victim = new Victim(dataDir, directories);
    t.after(async () => {
      await victim.kill();
      if (!t.passed) t.diagnostic(victim.#process?.log.slice(-MOST_LOG_CHARS) ?? '');
      await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
    });
    await victim.up();
    return victim;
  }

  async up(): Promise<void> {
    this.#process = await DroverProcess.start({
      args: [
        ...['--data', this.#dataDir, '--port', '0', '--log-level', 'warn'],
        ...['--migration-directories', this.#directories.join(',')],
        ...['--hypervisor-accelerator', 'tcg', '--hypervisor-kernel-machine', 'microvm'],
      ],
    });
    this.api.url = this.#process.readyUrl;
  }

  /** With -9: it cannot do anything about it. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }

  /** Of the only job there is, from the database itself: also when the process is dead. */
  checkpoint(): MigrationCheckpoint {
    using database = new DatabaseSync(join(this.#dataDir, 'drover.db'), { readOnly: true });
    const row = database.prepare('SELECT checkpoint FROM job_checkpoints').get();
    const text = row?.['checkpoint'];
    const saved = typeof text === 'string' ? (JSON.parse(text) as MigrationCheckpoint) : {};
    return { version: 1, copied: {}, verified: {}, ...saved };
  }
}
