import { openRestClient, type RestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { formatAge, formatTable, printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation } from '#apps/drover/command.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { formatBytes, SECOND_MS } from '#kernel/units.ts';

/** As the API answers it. */
interface WireStats {
  readonly pool: {
    readonly size: number;
    readonly active: number;
    readonly idle: number;
    readonly creating: number;
    readonly total: number;
    readonly utilization: number;
  };
  readonly workers: readonly WireWorker[];
}

interface WireWorker {
  readonly id: string;
  readonly app: string;
  readonly state: string;
  readonly requests: number;
  readonly inFlight: number;
  readonly draining: boolean;
  readonly endReason: string | null;
  readonly uptime: number;
  readonly memory: { readonly rss: number };
}

const STATS = '/metrics/api/metrics/stats';
const ESCAPE = '\u001B[';
/** The second screen without a cursor, so that the first is as it was afterwards. */
const ENTER = `${ESCAPE}?1049h${ESCAPE}?25l${ESCAPE}?7l`;
const LEAVE = `${ESCAPE}?7h${ESCAPE}?25h${ESCAPE}?1049l`;
const HOME = `${ESCAPE}H`;
const CLEAR_LINE = `${ESCAPE}K`;
const CLEAR_BELOW = `${ESCAPE}J`;

export const pool: Command = {
  name: 'pool',
  group: 'Apps',
  usage: '',
  summary: 'Show the workers that apps run in',
  details: [
    'A worker that ended is shown for a minute more. With --watch a terminal shows them anew ' +
      'every second until Ctrl-C; with --json, too, that is a line a second.',
  ],
  options: {
    watch: { kind: 'flag', short: 'w', doc: 'Again every second.' },
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: ['drover pool', 'drover pool --watch'],
  words: { least: 0, most: 0 },
  async run(invocation) {
    const { options, terminal } = invocation;
    const api = await openRestClient(invocation, 'operator');
    const asJson = options.flag('json');
    if (!options.flag('watch')) {
      const stats = await readStats(api);
      await terminal.write(asJson ? `${JSON.stringify(stats, null, 2)}\n` : statsToText(stats));
    } else if (asJson) {
      await everySecond(api, invocation, (stats) => `${JSON.stringify(stats)}\n`);
    } else if (terminal.outIsTty) {
      await watchOnScreen(api, invocation);
    } else {
      throw invalidArgument('--watch', 'needs a terminal, or --json for a line a second');
    }
  },
};

async function readStats(api: RestClient): Promise<WireStats> {
  return (await api.call('GET', STATS)) as WireStats;
}

async function watchOnScreen(api: RestClient, invocation: Invocation): Promise<void> {
  const { terminal } = invocation;
  let isEntered = false;
  try {
    await everySecond(api, invocation, (stats) => {
      const rows = terminal.screen?.size().rows ?? 24;
      const lines = statsToText(stats).split('\n').slice(0, rows);
      const page = `${HOME}${lines.join(`${CLEAR_LINE}\r\n`)}${CLEAR_LINE}${CLEAR_BELOW}`;
      const before = isEntered ? '' : ENTER;
      isEntered = true;
      return `${before}${page}`;
    });
  } finally {
    if (isEntered) await terminal.write(LEAVE);
  }
}

/** Ends by the signal, or when the server does not answer any more. */
async function everySecond(
  api: RestClient,
  { terminal, clock, signal }: Invocation,
  render: (stats: WireStats) => string,
): Promise<never> {
  for (;;) {
    await terminal.write(render(await readStats(api)));
    await clock.sleep(SECOND_MS, signal);
  }
}

function statsToText({ pool: counts, workers }: WireStats): string {
  const { active, idle, creating, total, size, utilization } = counts;
  const used = `${(utilization * 100).toFixed(1)} %`;
  const heading =
    `${total} of at most ${size} workers: ${active} active, ${idle} idle, ` +
    `${creating} starting; ${used} in use\n`;
  if (workers.length === 0) return heading;
  const rows = workers.map((worker) => [
    worker.id,
    printable(worker.app),
    stateOf(worker),
    String(worker.requests),
    String(worker.inFlight),
    worker.memory.rss === 0 ? '-' : formatBytes(worker.memory.rss),
    formatAge(worker.uptime * SECOND_MS),
  ]);
  const header = ['WORKER', 'APP', 'STATE', 'REQUESTS', 'IN FLIGHT', 'MEMORY', 'UPTIME'];
  return `${heading}\n${formatTable(header, rows)}`;
}

function stateOf({ state, draining, endReason: why }: WireWorker): string {
  if (why !== null) return `${state}: ${why}`;
  return draining ? `${state}, draining` : state;
}
