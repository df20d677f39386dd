/**
 * A real Prometheus, of Debian's package, on a free port of 127.0.0.1 and a temporary directory.
 * It can be stopped and started again on the same port and data. It dies with the process that
 * started it, even when that is killed: `setpriv` asks the kernel to.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAM = '/usr/bin/prometheus';
const READY = 'Server is ready to receive web requests';
const KEPT_LOG_LINES = 60;
const START_ATTEMPTS = 5;

export interface PrometheusOptions {
  /** The configuration file, YAML; empty scrapes nothing. */
  readonly config?: string;
  readonly args?: readonly string[];
}

export class TestPrometheus implements AsyncDisposable {
  readonly #dir: string;
  readonly #args: readonly string[];
  #port: number;
  #child: ChildProcess | undefined;
  readonly #log: string[] = [];

  private constructor(dir: string, port: number, args: readonly string[]) {
    this.#dir = dir;
    this.#port = port;
    this.#args = args;
  }

  static async open({ config = '', args = [] }: PrometheusOptions = {}): Promise<TestPrometheus> {
    if (!existsSync(PROGRAM)) {
      throw new Error(
        `This test needs Prometheus: no ${PROGRAM} here. Install the Debian package ` +
          '`prometheus` (scripts/setup.sh all does it as root).',
      );
    }
    const dir = mkdtempSync(join(tmpdir(), 'drover-prometheus-'));
    await writeFile(join(dir, 'prometheus.yml'), config);
    const prometheus = new TestPrometheus(dir, await freePort(), args);
    try {
      await prometheus.start();
      return prometheus;
    } catch (thrown) {
      await prometheus[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get log(): string {
    return this.#log.join('\n');
  }

  /** The first time on whatever port is free; then always on that one. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      if (await this.#tryStart()) return;
      const isTaken = this.log.includes('address already in use');
      if (!isTaken || attempt === START_ATTEMPTS) {
        throw new Error(`Prometheus did not start:\n${this.log}`);
      }
      this.#port = await freePort();
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    child.kill(signal);
    await ended;
  }

  /** `data` of an answer of its API. */
  async query(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const url = new URL(path, this.url);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.append(name, value);
    const response = await fetch(url);
    const text = await response.text();
    if (!response.ok) throw new Error(`${url.pathname} answers ${response.status}: ${text}`);
    const body = JSON.parse(text) as { readonly data: unknown };
    return body.data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #tryStart(): Promise<boolean> {
    const args = [
      `--config.file=${join(this.#dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(this.#dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${this.#port}`,
      ...this.#args,
    ];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', PROGRAM, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: '/usr/bin:/bin', TZ: 'UTC' },
      cwd: this.#dir,
    });
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    createInterface(child.stderr).on('line', (line) => {
      this.#log.push(line);
      if (this.#log.length > KEPT_LOG_LINES) this.#log.shift();
      if (line.includes(READY)) resolve(true);
    });
    child.once('error', reject);
    child.once('close', () => resolve(false));
    return await promise;
  }
}

async function freePort(): Promise<number> {
  await using server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
