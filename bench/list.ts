/**
 * The 99th percentile of ListVms, a page of 50, out of many machines beside the same out of 1000:
 * what a page costs must not depend on how much else there is. Asked over Connect JSON, one
 * request at a time, in turn of the two servers.
 *
 *   of-one   all machines belong to one customer, and it asks
 *   of-many  every customer has 1000; the many are other customers' machines
 *   of-all   the same, and an operator asks for everybody's
 *
 * Of each: the first page, a page from deep inside, and the first of those that are shut down.
 */
import { join } from 'node:path';
import { systemClock } from '#kernel/clock.ts';
import { openDatabase } from '#stores/open-database.ts';
import { openPostgresServer } from '#test/postgres.ts';
import { openChildServer, type ChildServer } from './child-server.ts';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { createVmClient, devToken, everydayConfig } from './drover-client.ts';
import { encodeHttp1, Http1Connection } from './http1-load.ts';
import { fillMachines } from '#test/machine-rows.ts';
import { measurePairs } from './pair.ts';
import { openScratchDirectory } from './scratch-directory.ts';
import { percentile } from './statistics.ts';

const FEW = 1000;
const PAGE_SIZE = 50;
const PATH = '/vmprovisioner.v1.VmService/ListVms';
const GOAL = { of: 'ratio', atMost: 1.5 } as const;
/** Different pages are asked for in turn, so that no answer is simply the last one again. */
const DEEP_PAGES = 64;
const TEMPLATE = 'template';

type Medium = 'sqlite' | 'postgres';
type Ownership = 'one' | 'many';

export const list: Benchmark = {
  name: 'list',
  summary: 'a page of ListVms out of up to a million machines, beside one out of 1000',
  async *run(options) {
    const sizes = options.isQuick ? [100_000] : [100_000, 1_000_000];
    const media: readonly Medium[] = options.isQuick ? ['sqlite'] : ['sqlite', 'postgres'];
    for (const medium of media) {
      for (const ownership of ['one', 'many'] as const) {
        await using few = await openFilled({ medium, ownership, count: FEW }, options);
        for (const count of sizes) {
          await using many = await openFilled({ medium, ownership, count }, options);
          yield* compareViews({ few, many, medium, ownership, count }, options);
        }
      }
    }
  },
};

interface Fill {
  readonly medium: Medium;
  readonly ownership: Ownership;
  readonly count: number;
}

interface FilledServer extends AsyncDisposable {
  readonly server: ChildServer;
}

/** A server on a database of its own with so many machines in it. */
async function openFilled(
  { medium, ownership, count }: Fill,
  { progress }: BenchmarkOptions,
): Promise<FilledServer> {
  await using stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(await openScratchDirectory());
  const url =
    medium === 'sqlite'
      ? `sqlite:${join(dir, 'drover.db')}`
      : stack.use(await openPostgresServer()).url;
  const open = () =>
    openChildServer({
      script: 'bench/serve-fakes.ts',
      args: ['--data', dir],
      env: { DROVER_DATABASE: url },
    });
  {
    await using server = await open();
    const vms = createVmClient(server.url, devToken(TEMPLATE));
    await vms.createVm({ vmId: TEMPLATE, config: everydayConfig() });
  }
  const startedMs = performance.now();
  {
    await using database = await openDatabase({ url, clock: systemClock });
    const customers = ownership === 'one' ? 1 : Math.ceil(count / FEW);
    await fillMachines(database, { templateId: TEMPLATE, count, customers });
  }
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  progress(`${medium}: ${count} machines are in place, ${seconds} s`);
  const server = stack.use(await open());
  const owned = stack.move();
  return { server, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

interface Sides {
  readonly few: FilledServer;
  readonly many: FilledServer;
  readonly medium: Medium;
  readonly ownership: Ownership;
  readonly count: number;
}

async function* compareViews(
  { few, many, medium, ownership, count }: Sides,
  options: BenchmarkOptions,
): AsyncGenerator<Comparison> {
  const views =
    ownership === 'one'
      ? [{ name: 'of-one', askers: [devToken('c0')] }]
      : [
          { name: 'of-many', askers: customersOf(count).map(devToken) },
          { name: 'of-all', askers: ['Bearer dev_operator'] },
        ];
  for (const { name, askers } of views) {
    for (const page of PAGES) {
      using ours = await openAsker(many.server, page, { askers, count });
      using peer = await openAsker(few.server, page, {
        askers: ownership === 'many' && name === 'of-many' ? [devToken('c0')] : askers,
        count: FEW,
      });
      const bench = `list/${medium}/${name}/${page.name}/${count}`;
      yield await comparePage(bench, { ours, peer }, options);
    }
  }
}

/** Up to as many as there are deep pages, spread over all. */
function customersOf(count: number): readonly string[] {
  const customers = Math.ceil(count / FEW);
  const asked = Math.min(customers, DEEP_PAGES);
  return Array.from({ length: asked }, (_, at) => `c${Math.floor((at * customers) / asked)}`);
}

async function comparePage(
  bench: string,
  { ours, peer }: { readonly ours: Asker; readonly peer: Asker },
  { isQuick, progress }: BenchmarkOptions,
): Promise<Comparison> {
  const requests = isQuick ? 200 : 400;
  const paired = await measurePairs({ runs: isQuick ? 3 : 5, warmups: 1 }, async (isOursFirst) => {
    const [first, second] = isOursFirst ? [ours, peer] : [peer, ours];
    const times = { first: [] as number[], second: [] as number[] };
    for (let at = 0; at < requests; at += 1) {
      times.first.push(await first.ask());
      times.second.push(await second.ask());
    }
    const [one, other] = [percentile(times.first, 0.99), percentile(times.second, 0.99)];
    return isOursFirst ? { ours: one, peer: other } : { ours: other, peer: one };
  });
  progress(`${bench}: ${paired.ours.toFixed(2)} against ${paired.peer.toFixed(2)} ms`);
  return { bench, ...paired, unit: 'ms, p99', against: `out of ${FEW}`, goal: GOAL };
}

interface Page {
  readonly name: string;
  readonly filter: readonly string[];
  readonly isDeep: boolean;
}

const PAGES: readonly Page[] = [
  { name: 'first', filter: [], isDeep: false },
  { name: 'deep', filter: [], isDeep: true },
  { name: 'shutdown', filter: ['VM_STATE_SHUTDOWN'], isDeep: false },
];

/** Asks one server for pages of one kind, over one connection, and takes the time. */
class Asker implements Disposable {
  readonly #connection: Http1Connection;
  readonly #requests: readonly Buffer[];
  #next = 0;

  constructor(connection: Http1Connection, requests: readonly Buffer[]) {
    this.#connection = connection;
    this.#requests = requests;
  }

  /** In milliseconds. */
  async ask(): Promise<number> {
    const request = this.#requests[this.#next % this.#requests.length];
    if (request === undefined) throw new Error('there is at least one request');
    this.#next += 1;
    const startedMs = performance.now();
    await this.#connection.ask(request);
    return performance.now() - startedMs;
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

async function openAsker(
  { port }: ChildServer,
  page: Page,
  { askers, count }: { readonly askers: readonly string[]; readonly count: number },
): Promise<Asker> {
  const connection = await Http1Connection.open(port);
  const encode = (token: string, fields: object) =>
    encodeHttp1({
      port,
      path: PATH,
      headers: { 'Content-Type': 'application/json', Authorization: token },
      body: JSON.stringify({ state_filter: page.filter, ...fields }),
    });
  if (!page.isDeep) {
    const requests = askers.map((token) => encode(token, { page_size: PAGE_SIZE }));
    await assertFullPage(connection, requests[0]);
    return new Asker(connection, requests);
  }
  const requests: Buffer[] = [];
  for (let at = 0; at < DEEP_PAGES; at += 1) {
    const token = askers[at % askers.length] ?? '';
    const offset = Math.floor(((at + 0.5) / DEEP_PAGES) * (ownedBy(askers, count) - PAGE_SIZE - 2));
    const documented = Buffer.from(JSON.stringify({ offset })).toString('base64');
    const answer = await connection.ask(encode(token, { page_size: 1, page_token: documented }));
    requests.push(encode(token, { page_size: PAGE_SIZE, page_token: nextTokenOf(answer) }));
  }
  await assertFullPage(connection, requests.at(-1));
  return new Asker(connection, requests);
}

/** How many machines each asker sees: of many customers each has as many as the few. */
function ownedBy(askers: readonly string[], count: number): number {
  return askers.length > 1 ? FEW : count;
}

async function assertFullPage(connection: Http1Connection, request: Buffer = Buffer.alloc(0)) {
  const { vms } = bodyOf(await connection.ask(request));
  const found = Array.isArray(vms) ? vms.length : 0;
  if (found !== PAGE_SIZE) throw new Error(`a page has ${found} machines instead of ${PAGE_SIZE}`);
}

function nextTokenOf(answer: Buffer): string {
  const { next_page_token: token } = bodyOf(answer);
  if (typeof token === 'string' && token !== '') return token;
  throw new Error('there is no page after this one');
}

function bodyOf(answer: Buffer): Record<string, unknown> {
  const text = answer.subarray(answer.indexOf('\r\n\r\n') + 4).toString();
  return JSON.parse(text) as Record<string, unknown>;
}
