import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from '#test/drover-process.ts';
import { TestPrometheus } from '#test/prometheus.ts';
import { ABSENT_FROM, ABSENT_TO, SERIES } from './remote-write-process.ts';

const PROGRAM = fileURLToPath(new URL('remote-write-process.ts', import.meta.url));
const RECEIVER = '--web.enable-remote-write-receiver';

interface Range {
  readonly url: string;
  readonly directory: string;
  readonly first: number;
  readonly end: number;
  readonly baseMs: number;
}

/** The writing process, followed by what it says. */
class Writer implements AsyncDisposable {
  readonly #child;
  readonly #waiting = new Set<() => void>();
  /** Everything it said that is no tick. */
  text = '';
  lastTick = -1;
  pendingSamples = 0;

  constructor({ url, directory, first, end, baseMs }: Range) {
    const args = [PROGRAM, `${url}/api/v1/write`, directory, `${first}`, `${end}`, `${baseMs}`];
    this.#child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: cleanEnvironment(),
    });
    createInterface(this.#child.stdout).on('line', (line) => {
      const [, tick, pending] = /^tick (\d+) (\d+)$/.exec(line) ?? [];
      if (tick === undefined) this.text += `${line}\n`;
      else [this.lastTick, this.pendingSamples] = [Number(tick), Number(pending)];
      for (const look of this.#waiting) look();
    });
  }

  async until(condition: (writer: Writer) => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => condition(this) && resolve();
    const onClose = () => reject(new Error(`the writer ended at tick ${this.lastTick}`));
    this.#waiting.add(look);
    this.#child.once('close', onClose);
    look();
    await promise.finally(() => {
      this.#waiting.delete(look);
      this.#child.off('close', onClose);
    });
  }

  /** Ends it without a chance to do anything; answers the last tick its queue had taken. */
  async kill(): Promise<number> {
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
    return this.lastTick;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode === null) await once(this.#child, 'close');
    assert.equal(this.#child.exitCode, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill();
  }
}

interface Matrix {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly values: readonly (readonly [number, string])[];
  }[];
}

describe('remote write to a real Prometheus', () => {
  it('leaves no gap when the receiver and the writer are stopped, killed and started', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'drover-remote-write-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    const prometheus = stack.use(await TestPrometheus.open({ args: [RECEIVER] }));
    const { url } = prometheus;
    const baseMs = Math.floor(Date.now() / 1000) * 1000 - 1_800_000;
    const start = (first: number, end: number) =>
      stack.use(new Writer({ url, directory, first, end, baseMs }));

    const one = start(0, 10_000);
    await one.until(({ lastTick }) => lastTick >= 80);
    await prometheus.stop();
    await one.until(({ lastTick }) => lastTick >= 140);
    const afterOne = await one.kill();

    const two = start(afterOne + 1, 10_000);
    await two.until(({ lastTick }) => lastTick >= afterOne + 60);
    await prometheus.start();
    await two.until(({ pendingSamples }) => pendingSamples < 10 * SERIES);
    await prometheus.stop('SIGKILL');
    await prometheus.start();
    await two.until(({ pendingSamples }) => pendingSamples < 10 * SERIES);
    // As if the power had failed: what was acknowledged last is no longer known, and is sent
    // again, in requests that also hold what Prometheus lacks and that it refuses as a whole.
    const position = join(directory, 'receiver-prometheus.position');
    const older = readFileSync(position);
    const seen = two.lastTick;
    await two.until(({ lastTick }) => lastTick >= seen + 30);
    const afterTwo = await two.kill();
    writeFileSync(position, older);

    const end = afterTwo + 61;
    const three = start(afterTwo + 1, end);
    await three.end();
    assert.match(three.text, /result="dropped"\} 0\n/);
    assert.match(three.text, /result="refused"\} [1-9]/);

    const endSeconds = (baseMs + end * 1000) / 1000;
    const raw = (await prometheus.query('/api/v1/query', {
      query: '{__name__=~"drover_test_.*",job="drover",instance="host-1"}[30m]',
      time: String(endSeconds),
    })) as Matrix;
    assert.equal(raw.result.length, 2 * SERIES + 1);
    const ticks = Array.from({ length: end }, (_, tick) => tick);
    for (const { metric, values } of raw.result) {
      const name = metric['__name__'];
      const isAbsent = (tick: number) => tick >= ABSENT_FROM && tick < ABSENT_TO;
      const expected = ticks
        .filter((tick) => name !== 'drover_test_blip' || !isAbsent(tick))
        .map((tick) => {
          const share = String((tick * 100 + Number(metric['part'])) / 100);
          const value = name === 'drover_test_ticks_total' ? String(tick) : share;
          return [baseMs / 1000 + tick, name === 'drover_test_blip' ? '1' : value];
        });
      assert.deepEqual(values, expected, `${name} ${metric['part']}`);
    }

    const graph = (await prometheus.query('/api/v1/query_range', {
      query: 'drover_test_blip',
      start: String(baseMs / 1000),
      end: String(baseMs / 1000 + end - 1),
      step: '1',
    })) as Matrix;
    const shown = graph.result[0]?.values.map(([time]) => time - baseMs / 1000);
    // Without a stale marker Prometheus would go on showing the last value for five minutes.
    assert.deepEqual(
      shown,
      ticks.filter((tick) => tick < ABSENT_FROM || tick >= ABSENT_TO),
    );
  });
});
