/** Workers that come and go leave nothing: no thread, process, descriptor, handle or folder. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ProcessLauncher } from '#backends/worker-process/process-launcher.ts';
import { ThreadLauncher } from '#backends/worker-thread/thread-launcher.ts';
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { GIB, MIB, MINUTE_MS } from '#kernel/units.ts';
import type { LaunchOptions, Member, MemberLauncher } from '#workers/member.ts';
import { refuseAll } from '#workers/pool/refuse-all.ts';
import { WorkerPool } from '#workers/pool/worker-pool.ts';
import type { AppBinding, Isolation, WorkerLimits } from '#workers/worker-app.ts';
import { Asker } from '#test/pool-fixture.ts';
import { until } from '#test/until.ts';
import { IS_WHOLE } from '#test/whole.ts';

/**
 * A thread costs 25 ms of a core to begin and end, a process five times as much: all of it, with
 * DROVER_TEST_WHOLE=1, takes minutes. One leak in a hundred shows with fewer.
 */
const RECYCLES = IS_WHOLE ? 5000 : 600;
const PROCESSES = IS_WHOLE ? 100 : 40;
const THREADS = RECYCLES - PROCESSES;
/** What is made once must be there before it is counted. */
const FIRST = 10;
/** Each replaces its workers one at a time. */
const POOLS = 3;
/** Fewer than there are processes: one that is not given back is missed. */
const USERS = { firstUid: 660_000, count: 20 };
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const APP = 'hello@1.0.0';
const NOTHING = { module: 'none', name: 'none' };

const LIMITS: WorkerLimits = {
  ...{ concurrency: 1, minWorkers: 0, maxWorkers: 1, idleTimeoutMs: MINUTE_MS },
  ...{ requestTimeoutMs: MINUTE_MS, queueLimit: 100, queueTimeoutMs: MINUTE_MS },
  ...{ startTimeoutMs: MINUTE_MS, maxRequests: 1, maxMemoryBytes: 256 * MIB },
};

const BINDING: AppBinding = {
  ...{ name: 'hello', version: '1.0.0', entrypoint: 'main.ts', env: {} },
  directory: join(ROOT, 'test/apps/hello'),
  ...{ allowedHosts: [], grants: [], readableDirectories: [], writableDirectories: [] },
};

/** The least that a member can be, so that thousands can be started. */
const MEMBER = `
import { workerData } from 'node:worker_threads';
const { port } = workerData;
const answer = ({ type, id, input }) => {
  if (type === 'task') port.postMessage([{ type: 'result', id, value: input }]);
  if (type === 'retire') port.postMessage([{ type: 'retired' }]);
};
port.on('message', (frames) => frames.forEach(answer));
port.postMessage([{ type: 'hello' }]);
`;

/** Counts the members that have come and gone. */
class CountingLauncher implements MemberLauncher {
  readonly kind: Isolation;
  readonly #launcher: MemberLauncher;
  ended = 0;

  constructor(launcher: MemberLauncher) {
    this.kind = launcher.kind;
    this.#launcher = launcher;
  }

  needsOwnStart(binding: AppBinding, maxMemoryBytes: number): boolean {
    return this.#launcher.needsOwnStart(binding, maxMemoryBytes);
  }

  async launch(options: LaunchOptions, signal: AbortSignal): Promise<Member> {
    const member = await this.#launcher.launch(options, signal);
    void member.ended.then(() => (this.ended += 1));
    return member;
  }
}

interface Launchers {
  readonly process: CountingLauncher;
  readonly thread: CountingLauncher;
}

let directory: string;
let launchers: Launchers;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'drover-leaks-'));
  // Workers are other users, and their program lies in here.
  await chmod(directory, 0o755);
  const entry = join(directory, 'member.mjs');
  await writeFile(entry, MEMBER);
  const processes = new ProcessLauncher({
    ...{ clock: systemClock, node: process.execPath, onConfined: () => undefined },
    runDirectory: join(directory, 'run'),
    sources: { root: ROOT, entry: 'apps/member/process-main', packages: ['ws'] },
    users: process.getuid?.() === 0 ? USERS : undefined,
  });
  launchers = {
    process: new CountingLauncher(processes),
    thread: new CountingLauncher(new ThreadLauncher(entry)),
  };
});
after(() => rm(directory, { recursive: true, force: true }));

/** Until so many more have ended. */
async function recycle(threads: number, processes: number): Promise<void> {
  const until = {
    thread: launchers.thread.ended + threads,
    process: launchers.process.ended + processes,
  };
  const pools = Array.from({ length: POOLS }, openPool);
  const work = pools.map(async (pool) => {
    const ran = [];
    while (launchers.thread.ended < until.thread) {
      ran.push(await pool.run(NOTHING, ran.length));
      await systemClock.sleep(5);
    }
    ran.forEach((value, at) => assert.equal(value, at));
  });
  const [first] = pools;
  while (first !== undefined && launchers.process.ended < until.process) {
    const asker = new Asker();
    first.fetch(
      APP,
      { method: 'GET', url: 'http://app/', headers: [], hasBody: false },
      undefined,
      asker,
    );
    assert.equal(await asker.over(), '200');
    await systemClock.sleep(10);
  }
  await Promise.all(work);
  await Promise.all(pools.map((pool) => pool.drain()));
}

function openPool(): WorkerPool {
  const pool = new WorkerPool({
    ...{ clock: systemClock, log: silentLog, metrics: new MetricsRegistry(), launchers },
    egress: { answererFor: () => refuseAll, [Symbol.asyncDispose]: () => Promise.resolve() },
    settings: { size: 10, memoryBytes: 100 * GIB, warm: 0, startsAtOnce: 2 },
    onOutput: () => undefined,
  });
  pool.admit({ key: '(tasks)', isolation: 'thread', limits: LIMITS, binding: undefined });
  pool.admit({ key: APP, isolation: 'process', limits: LIMITS, binding: BINDING });
  return pool;
}

/** What this process has, as the kernel and Node tell it. */
async function takeStock() {
  const handles = process
    .getActiveResourcesInfo()
    // The looking itself.
    .filter((kind) => !kind.startsWith('FSReq'));
  const threads = await readdir('/proc/self/task');
  const children: string[] = [];
  for (const thread of threads) {
    // A thread may have ended since.
    const path = `/proc/self/task/${thread}/children`;
    const ofThread = await readFile(path, 'utf8').catch(() => '');
    children.push(...ofThread.split(' ').filter((pid) => pid !== ''));
  }
  return {
    threads: threads.length,
    processes: children.length,
    descriptors: (await readdir('/proc/self/fd')).length,
    handles: handles.toSorted(),
    folders: (await readdir(join(directory, 'run'))).toSorted(),
  };
}

describe(`${RECYCLES} recycled workers`, () => {
  it('leave as many threads, processes, handles, descriptors and folders as before', async (t) => {
    await recycle(FIRST, FIRST);
    const before = await takeStock();
    const startedAt = performance.now();
    await recycle(THREADS, PROCESSES);
    const { thread, process: processes } = launchers;
    t.diagnostic(
      `${thread.ended} threads and ${processes.ended} processes in ` +
        `${Math.round(performance.now() - startedAt)} ms; ${JSON.stringify(before)}`,
    );
    let left = before;
    const isLikeBefore = async () => {
      left = await takeStock();
      return JSON.stringify(left) === JSON.stringify(before) ? true : undefined;
    };
    // What is closed is gone a turn later.
    await until(isLikeBefore, 'all to be gone').catch(() => undefined);
    assert.deepEqual(left, before);
  });
});
