/**
 * 5000 clients that follow servers over WebSockets: CPU of the server's process for a message, how
 * long the slowest hundredth of the messages is under way, and memory for a client. The peer is
 * `ws` that sends the same bytes in a loop. Ours is the whole of `drover up`, which polls the
 * servers once a second meanwhile, and measures its host: what that takes when nobody follows is
 * no part of a message, and is counted in the lines that end in `-whole` alone.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { openChildServer, type ChildServer } from './child-server.ts';
import type { Benchmark, BenchmarkOptions, Comparison, Goal } from './comparison.ts';
import { openFleetScene } from './fleet-scene.ts';
import { measureInTurn, summarizePairs } from './pair.ts';
import { readCpuMs, readRssBytes } from './process-usage.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const CLIENTS = 5000;
const SERVERS = 3;
const AGAINST = 'ws sending the same bytes to all in a loop';
const GOAL: Goal = { of: 'ratio', atMost: 1.2 };
/** Until those who joined have been told all there is, and those who left are forgotten. */
const SETTLE_MS = 2 * SECOND_MS;

interface Audience {
  readonly name: string;
  readonly path: string;
  /** How many messages come each second. */
  readonly messages: number;
}

const AUDIENCES: readonly Audience[] = [
  { name: 'fleet-ws/one', path: '/ws/metrics?servers=ai_server', messages: 1 },
  { name: 'fleet-ws/all', path: '/ws/metrics', messages: SERVERS + 1 },
];

interface Told {
  readonly messages: number;
  readonly lost: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export const fleetWs: Benchmark = {
  name: 'fleet-ws',
  summary: 'CPU and delay of live updates to 5000 clients, beside a loop over ws',
  async *run(options) {
    const settings = { maxSockets: CLIENTS };
    await using ours = await openFleetScene({ servers: SERVERS, interval: '1s', settings });
    for (const audience of AUDIENCES) {
      await using scratch = await openScratchDirectory();
      const file = join(scratch.path, 'messages.json');
      await writeFile(file, JSON.stringify(await listen(ours, audience)));
      const script = 'bench/serve-broadcast.ts';
      await using peer = await openChildServer({ script, args: [file] });
      yield* compare(audience, { ours, peer }, options);
    }
  },
};

/** What comes in one of the seconds, as texts. */
async function listen({ port }: ChildServer, { path, messages }: Audience): Promise<string[]> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, 'bearer.dev_operator');
  const texts: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string' && data.includes('metrics_update')) texts.push(data);
    // First comes how everything stands.
    if (texts.length === 2 * messages) resolve();
  });
  await promise;
  socket.close();
  return texts.slice(messages);
}

async function* compare(
  { name, path }: Audience,
  { ours, peer }: { readonly ours: ChildServer; readonly peer: ChildServer },
  { isQuick, progress }: BenchmarkOptions,
): AsyncGenerator<Comparison> {
  const durationMs = (isQuick ? 5 : 15) * SECOND_MS;
  const runs = isQuick ? 3 : 5;
  const found = { ours: new Found(), peer: new Found() };
  const measure = async ({ pid, port }: ChildServer, { p99Ms, clientKib, wholeUs }: Found) => {
    // The clients of the run before are still being forgotten.
    await systemClock.sleep(SETTLE_MS);
    const idleMs = await cpuMsWithin(durationMs, pid);
    const emptyBytes = await readRssBytes(pid);
    await using clients = await openChildServer({
      ...{ script: 'bench/follow-sockets.ts', args: [String(port), path, String(CLIENTS)] },
    });
    await systemClock.sleep(SETTLE_MS);
    await readTold(clients);
    const cpuMs = await cpuMsWithin(durationMs, pid);
    const told = await readTold(clients);
    if (told.lost > 0) throw new Error(`${told.lost} clients were dropped`);
    clientKib.push(((await readRssBytes(pid)) - emptyBytes) / CLIENTS / 1024);
    p99Ms.push(told.p99Ms);
    wholeUs.push((cpuMs * 1000) / told.messages);
    progress(`${name}: ${JSON.stringify({ port, idleMs, cpuMs, ...told })}`);
    return ((cpuMs - idleMs) * 1000) / told.messages;
  };
  const paired = await measureInTurn(
    { runs, warmups: 0 },
    { ours: () => measure(ours, found.ours), peer: () => measure(peer, found.peer) },
  );
  const unit = 'µs of server CPU a message';
  yield { bench: `${name}-cpu`, ...paired, unit, against: AGAINST, goal: GOAL };
  for (const [what, field, rest] of [
    ['whole', 'wholeUs', { unit: 'µs of server CPU a message, all it does included' }],
    ['p99', 'p99Ms', { unit: 'ms at the 99th percentile', goal: GOAL }],
    ['memory', 'clientKib', { unit: 'KiB a client' }],
  ] as const) {
    const pairs = found.ours[field].map((each, run) => ({
      ...{ ours: each, peer: found.peer[field][run] ?? Number.NaN },
    }));
    if (field !== 'clientKib') {
      yield { bench: `${name}-${what}`, ...summarizePairs(pairs), against: AGAINST, ...rest };
    } else if (name === AUDIENCES[0]?.name) {
      // Memory that was taken once is not given back: only the very first time shows it.
      const first = summarizePairs(pairs.slice(0, 1));
      yield { bench: `fleet-ws/${what}`, ...first, against: AGAINST, ...rest };
    }
  }
}

/** Run by run. */
class Found {
  readonly p99Ms: number[] = [];
  readonly clientKib: number[] = [];
  readonly wholeUs: number[] = [];
}

async function cpuMsWithin(durationMs: number, pid: number): Promise<number> {
  const before = await readCpuMs(pid);
  await systemClock.sleep(durationMs);
  return (await readCpuMs(pid)) - before;
}

async function readTold({ url }: ChildServer): Promise<Told> {
  return (await (await fetch(url)).json()) as Told;
}
