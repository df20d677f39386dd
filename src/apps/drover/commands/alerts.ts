import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { formatTable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation } from '#apps/drover/command.ts';
import {
  ATTENTION_HEADER,
  attentionToCells,
  readAttention,
  type Attention,
} from '#apps/drover/fleet/attention.ts';
import { isErrorKind, toDroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';

const DEFAULT_INTERVAL_SECONDS = 5;
const LONGEST_INTERVAL_SECONDS = 3600;

export const alerts: Command = {
  name: 'alerts',
  group: 'Alerts',
  usage: '',
  summary: 'List rules that fire, and servers that do not answer',
  details: [
    'With --watch it stays, and prints a line for whatever begins or ends; --json makes that a ' +
      'line of JSON each. `drover rule` makes and changes the rules.',
  ],
  options: {
    watch: { kind: 'flag', doc: 'Stay, and print what begins and ends.' },
    interval: {
      kind: 'text',
      argument: 'SECONDS',
      doc: `How often to look while watching. Default: ${DEFAULT_INTERVAL_SECONDS}.`,
    },
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: ['drover alerts', 'drover alerts --watch --json'],
  words: { least: 0, most: 0 },
  async run(invocation) {
    const { options, terminal, clock } = invocation;
    const seconds = options.whole('interval', { least: 1, most: LONGEST_INTERVAL_SECONDS });
    const intervalMs = (seconds ?? DEFAULT_INTERVAL_SECONDS) * SECOND_MS;
    const api = await openRestClient(invocation, 'operator');
    const ask = () => readAttention(api);
    const first = await ask();
    if (options.flag('watch')) {
      await watch(invocation, { first, ask, intervalMs });
      return;
    }
    if (options.flag('json')) {
      await terminal.write(`${JSON.stringify({ alerts: first.map(toPlain) }, null, 2)}\n`);
      return;
    }
    const rows = first.map((it) => attentionToCells(it, clock.nowMs()));
    if (rows.length > 0) await terminal.write(formatTable(ATTENTION_HEADER, rows));
    else terminal.note('nothing needs attention');
  },
};

interface Watch {
  readonly first: readonly Attention[];
  readonly ask: () => Promise<readonly Attention[]>;
  readonly intervalMs: number;
}

/** Until it is told to end. */
async function watch(invocation: Invocation, { first, ask, intervalMs }: Watch): Promise<never> {
  const { terminal, clock, signal } = invocation;
  let known = new Map<string, Attention>();
  let next = first;
  for (;;) {
    const now = new Map(next.map((it) => [it.key, it]));
    for (const [key, it] of now) if (!known.has(key)) await tell(invocation, 'begins', it);
    for (const [key, it] of known) if (!now.has(key)) await tell(invocation, 'ends', it);
    known = now;
    do await clock.sleep(intervalMs, signal);
    while (!(await isAnswered()));
  }

  async function isAnswered(): Promise<boolean> {
    try {
      next = await ask();
      return true;
    } catch (thrown) {
      signal.throwIfAborted();
      if (!isErrorKind(thrown, 'unavailable')) throw thrown;
      terminal.note(`drover: ${toDroverError(thrown).message}; trying again`);
      return false;
    }
  }
}

async function tell(
  { options, terminal, clock }: Invocation,
  event: 'begins' | 'ends',
  it: Attention,
): Promise<void> {
  const at = new Date(clock.nowMs()).toISOString();
  const line = options.flag('json')
    ? JSON.stringify({ at, event, ...toPlain(it) })
    : [at, event, ...attentionToCells(it, clock.nowMs())].join('  ');
  await terminal.write(`${line}\n`);
}

function toPlain({ key: _, silencedUntil, ...plain }: Attention): object {
  return { ...plain, silenced_until: silencedUntil };
}
