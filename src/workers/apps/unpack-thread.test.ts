/** Deploys with the unpacking in a real thread, over the link that the pool uses. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { MIB } from '#kernel/units.ts';
import { AppFixture, appArchive, FakeAppWorkers, inPieces, tarOf } from '#test/app-fixture.ts';
import { until } from '#test/until.ts';
import { PortLink } from '#workers/wire/port-link.ts';
import { TaskCalls } from '#workers/wire/task-calls.ts';
import type { TaskName } from './app-workers.ts';

const MEMBER = `
  const { workerData } = require('node:worker_threads');
  const { port, parts } = workerData;
  Promise.all(parts.map((url) => import(url))).then(([{ PortLink }, { TaskRunner }]) => {
    const link = new PortLink(port);
    const runner = new TaskRunner({ link });
    link.receive((frame) => runner.receive(frame));
  });
`;
const PARTS = ['port-link', 'task-runner'].map((name) =>
  import.meta.resolve(`#workers/wire/${name}.ts`),
);

class ThreadAppWorkers extends FakeAppWorkers implements AsyncDisposable {
  readonly progress: unknown[] = [];
  readonly #worker: Worker;
  readonly #calls: TaskCalls;

  constructor() {
    super();
    const { port1, port2 } = new MessageChannel();
    const workerData = { port: port2, parts: PARTS };
    this.#worker = new Worker(MEMBER, { eval: true, workerData, transferList: [port2] });
    const link = new PortLink(port1);
    this.#calls = new TaskCalls(link);
    link.receive((frame) => this.#calls.receive(frame));
  }

  override async run<O>(
    { module, name }: TaskName,
    input: unknown,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<O> {
    const onProgress = (value: unknown) => void this.progress.push(value);
    return (await this.#calls.run(module, name, input, { signal, onProgress })) as O;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

const { signal } = new AbortController();

describe('unpacking in a thread', () => {
  it('deploys, tells how far it is, and refuses as it would anywhere', async () => {
    await using fixture = await AppFixture.create();
    await using workers = new ThreadAppWorkers();
    const apps = await fixture.open({ workers });
    const files = Object.fromEntries(
      Array.from({ length: 250 }, (_, at) => [`f${at}.txt`, `${at}`]),
    );
    const archive = await appArchive('shop', '1.0.0', { files: { ...files, 'main.js': '' } });
    const { fileCount } = await apps.deploy(inPieces(archive), { signal });
    assert.equal(fileCount, 252);
    assert.equal(workers.progress.length, 2);
    const evil = gzipSync(await tarOf([{ name: '../x', body: 'evil' }]));
    await assert.rejects(apps.deploy(inPieces(evil), { signal }), {
      kind: 'invalid_argument',
      reason: 'BAD_ARCHIVE',
      message: /entry "\.\.\/x" must not have/,
    });
  });

  it('stops when the deploy is given up, and what it wrote is removed', async () => {
    await using fixture = await AppFixture.create();
    await using workers = new ThreadAppWorkers();
    const apps = await fixture.open({ workers });
    const body = Buffer.alloc(MIB / 8, 'x');
    const entries = Array.from({ length: 500 }, (_, at) => ({ name: `f${at}`, body }));
    const controller = new AbortController();
    const deploying = apps.deploy(inPieces(await tarOf(entries), MIB), {
      signal: controller.signal,
    });
    const ended = assert.rejects(deploying, /enough/);
    await until(() => workers.progress[0], 'the first files');
    controller.abort(new Error('enough'));
    await ended;
    const incoming = join(fixture.directory, 'apps/.incoming');
    await until(async () => ((await readdir(incoming)).length === 0 ? true : undefined), 'clear');
    assert.ok(workers.progress.length < 5, String(workers.progress.length));
  });
});
