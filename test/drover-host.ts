/**
 * A host for whole-program tests: a data directory, the demo image, the `drover up` processes that
 * run on it one after the other, and the guests they leave behind. All of it is gone after the
 * test, and a test that failed shows what the servers logged.
 */
import { chmod, mkdir, mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { DroverProcess, type Exit } from '#test/drover-process.ts';
import { sharedImagesDir } from '#test/e2e-images.ts';
import { openRelay, type Relay } from '#test/namespace-relay.ts';
import type { NetworkNamespace } from '#test/network-namespace.ts';

export interface DroverHostOptions {
  readonly flags?: readonly string[];
  /** The servers live in it, and guests get taps on a bridge there; else user networking. */
  readonly namespace?: NetworkNamespace;
  readonly isFromSources?: boolean;
  /** Instead of a temporary directory of its own; it stays. */
  readonly dataDir?: string;
}

const MOST_LOG_CHARS = 8000;

/** One per test: `await DroverHost.open(t)`. */
export class DroverHost {
  readonly dataDir: string;
  /** Known to the servers as `/assets`; holds `demo/` and `customers/`. */
  readonly imagesDir: string;
  readonly #options: DroverHostOptions;
  #server: DroverProcess | undefined;
  #relay: Relay | undefined;
  #starts = 0;
  #log = '';

  private constructor(dataDir: string, imagesDir: string, options: DroverHostOptions) {
    this.dataDir = dataDir;
    this.imagesDir = imagesDir;
    this.#options = options;
  }

  static async open(t: TestContext, options: DroverHostOptions = {}): Promise<DroverHost> {
    const imagesDir = await sharedImagesDir();
    const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'drover-e2e-')));
    // Workers are other users, and their apps lie in here.
    await chmod(dataDir, 0o755);
    const host = new DroverHost(dataDir, imagesDir, options);
    t.after(async () => {
      await host.#close();
      if (!t.passed) t.diagnostic(`the log of drover up:\n${host.#log.slice(-MOST_LOG_CHARS)}`);
    });
    return host;
  }

  /** A host with a server on it. */
  static async start(t: TestContext, options: DroverHostOptions = {}): Promise<DroverHost> {
    const host = await DroverHost.open(t, options);
    await host.up();
    return host;
  }

  /** Of the server that runs now, as a test reaches it. */
  get url(): string {
    return this.#relay?.url ?? this.server.readyUrl;
  }

  get isUp(): boolean {
    return this.#server !== undefined;
  }

  get server(): DroverProcess {
    if (this.#server === undefined) throw new Error('no server runs on this host');
    return this.#server;
  }

  /** What all servers so far have logged. */
  get log(): string {
    return this.#log + (this.#server?.log ?? '');
  }

  async up(flags: readonly string[] = []): Promise<void> {
    const { namespace, isFromSources } = this.#options;
    const args = [...this.#fixedFlags(), ...(this.#options.flags ?? []), ...flags];
    this.#server = await DroverProcess.start({ args, namespace, isFromSources });
    if (namespace === undefined) return;
    this.#starts += 1;
    const socketPath = join(this.dataDir, `relay-${this.#starts}.sock`);
    const port = Number(new URL(this.#server.readyUrl).port);
    this.#relay = await openRelay(namespace, { port, socketPath });
  }

  /** SIGKILL: as a crash. */
  async crash(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM: as a stop by an operator. */
  async stop(): Promise<Exit> {
    return await this.#end('SIGTERM');
  }

  /** A crash, and a start after it. */
  async crashAndRestart(): Promise<void> {
    await this.crash();
    await this.up();
  }

  machineDir(vmId: string): string {
    return join(this.dataDir, 'machines', vmId);
  }

  /** The folders machines have on disk now. */
  async machineDirs(): Promise<string[]> {
    const entries = await readdir(join(this.dataDir, 'machines')).catch((): string[] => []);
    return entries.toSorted();
  }

  /** The pids of the guests of this host, by the machine they run. */
  async guests(): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    const start = `${join(this.dataDir, 'machines')}/`;
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      // A process that ends while it is looked at, or is dead, has none.
      const place = await readlink(`/proc/${name}/cwd`).catch(() => '');
      const vmId = place.startsWith(start) ? place.slice(start.length).split(/[ /]/)[0] : undefined;
      if (vmId !== undefined) found.set(vmId, Number(name));
    }
    return found;
  }

  async guestPid(vmId: string): Promise<number> {
    const pid = (await this.guests()).get(vmId);
    if (pid === undefined) throw new Error(`no process runs ${vmId}`);
    return pid;
  }

  async #end(signal: NodeJS.Signals): Promise<Exit> {
    const server = this.server;
    const exit = await server.end(signal);
    this.#log += server.log;
    this.#server = undefined;
    await this.#relay?.[Symbol.asyncDispose]();
    this.#relay = undefined;
    return exit;
  }

  async #close(): Promise<void> {
    if (this.#server !== undefined) await this.#end('SIGKILL');
    // One may just be starting, so it is looked again until there is none.
    for (;;) {
      const pids = [...(await this.guests()).values()];
      if (pids.length === 0) break;
      for (const pid of pids) killQuietly(pid);
      await new Promise((resolve) => void setTimeout(resolve, 20));
    }
    if (this.#options.dataDir !== undefined) return;
    await rm(this.dataDir, { recursive: true, force: true, maxRetries: 3 });
  }

  #fixedFlags(): string[] {
    return [
      ...['--data', this.dataDir, '--port', '0', '--hypervisor-accelerator', 'tcg'],
      ...['--images-directories', this.imagesDir, '--log-level', 'debug'],
      ...['--network-mode', this.#options.namespace === undefined ? 'user' : 'tap'],
    ];
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Makes `customers/<id>/` in the image directory, where that customer's own disks lie. */
export async function customerDir(host: DroverHost, customerId: string): Promise<string> {
  const path = join(host.imagesDir, 'customers', customerId);
  await mkdir(path, { recursive: true, mode: 0o755 });
  return path;
}
