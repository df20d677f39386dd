/** Apps in real member processes, inside what walls this host allows. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Confinement } from '#backends/worker-process/confinement.ts';
import { ProcessLauncher } from '#backends/worker-process/process-launcher.ts';
import { systemClock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import type { Member } from '#workers/member.ts';
import { Exchanges } from '#workers/wire/exchanges.ts';
import type { AppBinding } from '#workers/worker-app.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Apart from that of a server on this host. */
const FIRST_UID = 620_000;
const START_MS = 30_000;

export interface ConfinedApp extends AsyncDisposable {
  readonly member: Member;
  readonly directory: string;
  readonly lines: string[];
  /** The text of its answer. */
  ask(path?: string): Promise<string>;
}

export class ConfinedApps implements AsyncDisposable {
  readonly directory: string;
  readonly runDirectory: string;
  readonly launcher: ProcessLauncher;
  readonly confinements: Confinement[] = [];
  #count = 0;

  private constructor(directory: string) {
    this.directory = directory;
    this.runDirectory = join(directory, 'run');
    this.launcher = new ProcessLauncher({
      clock: systemClock,
      node: process.execPath,
      runDirectory: this.runDirectory,
      sources: { root: ROOT, entry: 'apps/member/process-main', packages: ['ws'] },
      users: process.getuid?.() === 0 ? { firstUid: FIRST_UID, count: 1000 } : undefined,
      onConfined: (confinement) => this.confinements.push(confinement),
    });
  }

  static async open(): Promise<ConfinedApps> {
    const directory = await mkdtemp(join(tmpdir(), 'drover-confined-'));
    // Members are other users, and their apps lie in here.
    await chmod(directory, 0o755);
    return new ConfinedApps(directory);
  }

  async start(
    source: string,
    asked: Partial<AppBinding> & { readonly maxMemoryBytes?: number } = {},
  ): Promise<ConfinedApp> {
    const { maxMemoryBytes = 256 * MIB, ...changes } = asked;
    const workerId = `worker-${(this.#count += 1)}`;
    const directory = join(this.directory, `app-${this.#count}`);
    await mkdir(directory);
    await writeFile(join(directory, 'main.js'), source);
    const binding: AppBinding = {
      ...{ name: 'confined', version: '1.0.0', directory, entrypoint: 'main.js', env: {} },
      ...{ allowedHosts: [], grants: [], readableDirectories: [], writableDirectories: [] },
      ...changes,
    };
    const lines: string[] = [];
    const needsOwn = this.launcher.needsOwnStart(binding, maxMemoryBytes);
    const member = await this.launcher.launch(
      {
        ...{ workerId, maxMemoryBytes, binding: needsOwn ? binding : undefined },
        onOutput: (_stream, line) => lines.push(line),
      },
      AbortSignal.timeout(START_MS),
    );
    const exchanges = await load(member, binding);
    return {
      ...{ member, directory, lines },
      ask: (path = '/') => ask(exchanges, path),
      [Symbol.asyncDispose]: () => member.kill(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true });
  }
}

async function load(member: Member, binding: AppBinding): Promise<Exchanges> {
  await member.bind(binding);
  const loaded = Promise.withResolvers<void>();
  const exchanges = new Exchanges({
    link: member.link,
    side: 'pool',
    answerer: undefined,
    onFrame: (frame) => {
      if (frame.type === 'specialised') loaded.resolve();
      if (frame.type === 'rejected') loaded.reject(new Error(frame.error.message));
    },
  });
  member.link.onClose(() => {
    const gone = new DroverError('unavailable', 'the member is gone');
    exchanges.fail(gone);
    loaded.reject(gone);
  });
  member.link.send({ type: 'specialise', binding });
  try {
    await loaded.promise;
  } catch (thrown) {
    await member.kill();
    throw thrown;
  }
  return exchanges;
}

async function ask(exchanges: Exchanges, path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const parts: Uint8Array[] = [];
  const head = { method: 'GET', url: `http://app${path}`, headers: [], hasBody: false };
  exchanges.begin(head, undefined, {
    onHead: (_head, body) => void (body !== undefined && parts.push(body)),
    onData: (bytes) => parts.push(bytes),
    onEnd: () => resolve(Buffer.concat(parts).toString()),
    onFail: reject,
    onDrain: () => undefined,
  });
  return await promise;
}
