/** kill -9 amid jobs: all of them are done in the end, and each step once, or once more. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#kernel/clock.ts';
import { randomFraction } from '#kernel/random.ts';
import { openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { createJobService, jobRequest } from '#test/job-fixture.ts';
import { until } from '#test/until.ts';

const PROGRAM = fileURLToPath(new URL('jobs-until-killed.ts', import.meta.url));
const CRASHES = 4;
const JOBS = 20;
const STEPS = 20;

async function startRunner(url: string, path: string): Promise<AsyncDisposable> {
  const args = [PROGRAM, url, path];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

describe('jobs on SQLite', () => {
  const createUrl = useDatabases('SQLite');

  it('survive kill -9 at any moment, and go on where they were', async (t) => {
    const url = await createUrl();
    const directory = await mkdtemp(join(tmpdir(), 'drover-jobs-'));
    t.after(() => rm(directory, { recursive: true }));
    const path = join(directory, 'steps');
    await using stores = await openStoresAt(url);
    const service = createJobService(stores);
    const requests = Array.from({ length: JOBS }, () => jobRequest({ spec: { steps: STEPS } }));
    const jobs = await service.submit(requests);
    const countDone = async () => (await service.counts()).completed;
    for (let crash = 0; crash < CRASHES; crash += 1) {
      await using _runner = await startRunner(url, path);
      await systemClock.sleep(randomFraction() * 150);
    }
    const doneBefore = await countDone();
    await using _runner = await startRunner(url, path);
    await until(async () => ((await countDone()) === JOBS ? true : undefined), 'all jobs');
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    const steps = new Map<string, number>();
    for (const line of lines) steps.set(line, (steps.get(line) ?? 0) + 1);
    const repeated = lines.length - steps.size;
    t.diagnostic(`${doneBefore} of ${JOBS} done amid the crashes, ${repeated} steps repeated`);
    for (const { id } of jobs) {
      for (let step = 0; step < STEPS; step += 1) assert.ok(steps.has(`${id} ${step}`));
      assert.deepEqual((await service.get(id)).result, { steps: STEPS });
    }
    assert.ok(repeated <= CRASHES * 4, `${repeated} steps were made twice`);
    const { running, pending, failed } = await service.counts();
    assert.deepEqual([running, pending, failed], [0, 0, 0]);
  });
});
