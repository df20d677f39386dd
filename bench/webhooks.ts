/**
 * Deliveries a second to a receiver on this machine, beside a plain Node loop that posts the same
 * signed bodies over a kept connection and notes nothing: the most that could be had. And what
 * memory a hundred thousand events cost that wait for a receiver which does not take them.
 *
 *   deliveries/1  one subscriber, one event at a time
 *   deliveries/8  eight subscribers; the peer has eight loops
 *   queued        memory with 100,000 events waiting, beside the same process with none
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { systemClock } from '#kernel/clock.ts';
import { MIB } from '#kernel/units.ts';
import { openChildServer, type ChildServer } from './child-server.ts';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { measureInTurn } from './pair.ts';
import { readRssBytes } from './process-usage.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const QUEUED = 100_000;
const SETTLE_MS = 10_000;
const PLAIN = 'a plain Node loop of signed posts, nothing noted';

export const webhooks: Benchmark = {
  name: 'webhooks',
  summary: 'signed deliveries a second, and memory with 100,000 of them queued',
  async *run(options) {
    yield await compareSpeed(1, options);
    yield await compareSpeed(8, options);
    yield await compareMemory(options);
  },
};

interface Receiver extends AsyncDisposable {
  readonly url: string;
  status: number;
  /** Resolves when so many more requests have come than had come when it was called. */
  more(count: number): Promise<void>;
}

async function openReceiver(): Promise<Receiver> {
  let come = 0;
  let waiting: { readonly count: number; readonly resolve: () => void } | undefined;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      come += 1;
      response.writeHead(receiver.status).end();
      if (waiting !== undefined && come >= waiting.count) waiting.resolve();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hook`,
    status: 200,
    async more(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting = { count: come + count, resolve };
      await promise;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}

async function openSender(directory: string, receivers: readonly string[]): Promise<ChildServer> {
  const args = [`sqlite:${join(directory, 'drover.db')}`, receivers.join(',')];
  return await openChildServer({ script: 'bench/serve-webhooks.ts', args });
}

async function order({ url }: ChildServer, ...words: readonly (string | number)[]): Promise<void> {
  const path = words.map((word) => encodeURIComponent(word)).join('/');
  const answer = await fetch(`${url}/${path}`);
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`the sender answered ${answer.status} to ${path}`);
}

async function compareSpeed(
  subscribers: number,
  { isQuick, progress }: BenchmarkOptions,
): Promise<Comparison> {
  await using directory = await openScratchDirectory();
  await using receiver = await openReceiver();
  const urls = Array<string>(subscribers).fill(receiver.url);
  await using sender = await openSender(directory.path, urls);
  const each = Math.ceil((isQuick ? 4000 : 16_000) / subscribers);
  const total = each * subscribers;
  const timed = async (start: () => Promise<void>) => {
    const startedMs = performance.now();
    const arrived = receiver.more(total);
    await start();
    await arrived;
    return total / ((performance.now() - startedMs) / 1000);
  };
  const paired = await measureInTurn(
    {
      runs: isQuick ? 3 : 7,
      warmups: 1,
      onPair: ({ ours, peer }) =>
        progress(`${subscribers}: ${Math.round(ours)} against ${Math.round(peer)} a second`),
    },
    {
      ours: async () => {
        await order(sender, 'queue', each);
        return await timed(() => order(sender, 'go'));
      },
      peer: () => timed(() => order(sender, 'plain', total, subscribers, receiver.url)),
    },
  );
  const bench = `webhooks/deliveries/${subscribers}`;
  return { bench, ...paired, unit: 'deliveries/s', against: PLAIN };
}

async function compareMemory({ progress, isQuick }: BenchmarkOptions): Promise<Comparison> {
  const runs = isQuick ? 1 : 3;
  const paired = await measureInTurn(
    { runs, warmups: 0 },
    { ours: () => memoryWith(QUEUED), peer: () => memoryWith(0) },
  );
  progress(`queued: ${paired.ours.toFixed(1)} against ${paired.peer.toFixed(1)} MiB`);
  return {
    ...{ bench: 'webhooks/queued', ...paired, unit: 'MiB resident' },
    against: 'the same process with nothing queued',
    goal: { of: 'ratio', atMost: 1.2 },
  };
}

/** The events are written by an earlier process, so that only what waiting costs is measured. */
async function memoryWith(count: number): Promise<number> {
  await using directory = await openScratchDirectory();
  await using receiver = await openReceiver();
  receiver.status = 503;
  {
    await using writer = await openSender(directory.path, [receiver.url]);
    if (count > 0) await order(writer, 'queue', count);
  }
  await using sender = await openSender(directory.path, []);
  const failed = count > 0 ? receiver.more(1) : Promise.resolve();
  await order(sender, 'go');
  await failed;
  await systemClock.sleep(SETTLE_MS);
  return (await readRssBytes(sender.pid)) / MIB;
}
