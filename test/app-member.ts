/** A member of each kind, without a sandbox, and the pool's end of its link in the test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import { systemClock, type Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { Answerer, Caller } from '#workers/exchange.ts';
import { MemberHost } from '#workers/runtime/member-host.ts';
import { Exchanges } from '#workers/wire/exchanges.ts';
import type { Frame, Link } from '#workers/wire/frames.ts';
import { PortLink } from '#workers/wire/port-link.ts';
import { SocketLink } from '#workers/wire/socket-link.ts';
import type { AppBinding } from '#workers/worker-app.ts';
import { until } from '#test/until.ts';

export type TestMemberKind = 'memory' | 'thread' | 'process';

export interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly text: string;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly body?: string | Uint8Array;
  readonly caller?: Caller;
}

interface Started {
  readonly link: Link;
  readonly outputs: readonly (Readable | null)[];
  /** The exit code, when it has ended. */
  readonly ended: Promise<unknown>;
  readonly pid?: number | undefined;
  readonly end: () => void;
}

const TEST_APPS = fileURLToPath(new URL('apps', import.meta.url));
const MAINS = new URL('../src/apps/member/', import.meta.url);

export class TestMember implements AsyncDisposable {
  readonly exchanges: Exchanges;
  /** What the app wrote, or had reported, line by line. */
  readonly lines: string[] = [];
  readonly frames: Frame[] = [];
  readonly started: Started;

  constructor(start: (lines: string[]) => Started, answerer?: Answerer) {
    this.started = start(this.lines);
    const { link, outputs } = this.started;
    this.exchanges = new Exchanges({
      link,
      side: 'pool',
      answerer,
      onFrame: (frame) => this.frames.push(frame),
    });
    link.onClose(() => {
      this.exchanges.fail(new DroverError('unavailable', 'the member is gone'));
    });
    for (const output of outputs) {
      if (output !== null) createInterface(output).on('line', (line) => this.lines.push(line));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.started.end();
    await this.started.ended;
  }

  heard<T extends Frame['type']>(type: T): Promise<Frame & { readonly type: T }> {
    const isIt = (frame: Frame): frame is Frame & { readonly type: T } => frame.type === type;
    return until(() => this.frames.find(isIt), `the frame ${type}`);
  }

  said(pattern: RegExp): Promise<string> {
    return until(() => this.lines.find((line) => pattern.test(line)), `a line like ${pattern}`);
  }

  async become(app: string, changes: Partial<AppBinding> = {}): Promise<void> {
    await this.heard('hello');
    this.started.link.send({ type: 'specialise', binding: testBinding(app, changes) });
    await until(() => {
      const answer = this.frames.find(({ type }) => type === 'specialised' || type === 'rejected');
      if (answer?.type === 'rejected') throw new Error(answer.error.message);
      return answer;
    }, 'the app to be loaded');
  }

  /** With a path alone, of an app that is served at http://app.example/. */
  ask(path: string, asked: Asked = {}): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const { method = 'GET', headers = [], body, caller } = asked;
    const url = path.startsWith('/') ? `http://app.example${path}` : path;
    const head = { method, url, headers, hasBody: false, ...(caller && { caller }) };
    const chunks: Uint8Array[] = [];
    let answered = { status: 0, headers: [] as readonly string[] };
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const exchange = this.exchanges.begin(head, bytes, {
      onHead: (answer, whole) => {
        answered = answer;
        if (whole !== undefined) chunks.push(whole);
      },
      onData: (chunk) => {
        chunks.push(Buffer.from(chunk));
        exchange.consume(chunk.length);
      },
      onEnd: () => resolve({ ...answered, text: Buffer.concat(chunks).toString() }),
      onFail: reject,
      onDrain: () => undefined,
    });
    return promise;
  }
}

function testBinding(app: string, changes: Partial<AppBinding> = {}): AppBinding {
  return {
    name: app,
    version: '1.0.0',
    directory: join(TEST_APPS, app),
    entrypoint: 'main.ts',
    env: {},
    allowedHosts: [],
    grants: [],
    readableDirectories: [],
    writableDirectories: [],
    ...changes,
  };
}

export function openTestMember(kind: TestMemberKind, answerer?: Answerer): TestMember {
  const starts = {
    memory: () => startMemory,
    thread: () => startThread,
    process: () => startProcess,
  };
  return new TestMember(starts[kind](), answerer);
}

/** The host in this very thread: nothing of Node is replaced, and time can be a test's own. */
export function openMemoryMember(clock: Clock, answerer?: Answerer): TestMember {
  return new TestMember((lines) => startHost(clock, lines), answerer);
}

const startMemory = (lines: string[]): Started => startHost(systemClock, lines);

function startHost(clock: Clock, lines: string[]): Started {
  const { port1, port2 } = new MessageChannel();
  const link = new PortLink(port1);
  const ended = Promise.withResolvers<void>();
  link.onClose(() => ended.resolve());
  const host = new MemberHost({
    link: new PortLink(port2),
    clock,
    prepare: ({ directory }) => directory,
    report: (text) => lines.push(...text.split('\n')),
  });
  host.start();
  return { link, outputs: [], ended: ended.promise, end: () => link.close() };
}

function startThread(): Started {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL('thread-main.ts', MAINS), {
    ...{ workerData: { port: port2 }, transferList: [port2], env: { OF_THE_SERVER: '1' } },
    ...{ stdout: true, stderr: true },
  });
  const ended = Promise.withResolvers<unknown>();
  worker.on('error', () => undefined);
  worker.on('exit', ended.resolve);
  return {
    link: new PortLink(port1),
    outputs: [worker.stdout, worker.stderr],
    ended: ended.promise,
    end: () => void worker.terminate(),
  };
}

function startProcess(): Started {
  const main = fileURLToPath(new URL('process-main.ts', MAINS));
  const child = spawn(process.execPath, ['--no-warnings', main], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { OF_THE_SERVER: '1' },
  });
  const socket = child.stdio[3];
  if (!(socket instanceof Socket)) throw new TypeError('the link is no socket');
  return {
    link: new SocketLink(socket),
    outputs: [child.stdout, child.stderr],
    ended: once(child, 'exit').then(([code]) => code),
    pid: child.pid,
    end: () => void child.kill('SIGKILL'),
  };
}
