import { JsonClient } from '#apps/drover/client/json-client.ts';
import { readServerTarget, SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation, OptionValues } from '#apps/drover/command.ts';
import { findSubject } from '#apps/drover/fleet/top-subject.ts';
import { HostPage } from '#apps/drover/top/host-page.ts';
import { HostRateMeter } from '#apps/drover/top/host-rates.ts';
import { LiveView, SHORTEST_INTERVAL_MS, type LivePage } from '#apps/drover/top/live-view.ts';
import { topToJson } from '#apps/drover/top/top-json.ts';
import { topPage, UNBOUNDED } from '#apps/drover/top/top-page.ts';
import { readTop } from '#apps/drover/top/top-source.ts';
import type { TopOrder, TopQuestion } from '#apps/drover/top/top-source.ts';
import type { Clock } from '#kernel/clock.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';

const ORDERS = ['cpu', 'memory'] as const;
const DEFAULT_INTERVAL_SECONDS = 2;
const LONGEST_INTERVAL_SECONDS = 3600;
const DEFAULT_PROCESSES = 10;
const MOST_PROCESSES = 200;
/** Rates need two samples, which a server takes every second when it is not told otherwise. */
const APART_MS = 1100;

export const top: Command = {
  name: 'top',
  group: 'Machines',
  usage: '[SERVER]',
  summary: 'Watch all servers, or one with its machines and processes',
  details: [
    'Where several servers are watched it shows all of them, what needs attention first, and ' +
      'with the id of one that one alone.',
    'On a terminal it draws a page again and again: q or Ctrl-C quits, c and m put the processes ' +
      'in order of CPU or memory, space asks at once. Elsewhere, and with --once or --json, it ' +
      'prints the page once, after the second it takes to tell rates.',
    'It is for operators: a token of a customer shows only what that customer may see.',
  ],
  options: {
    once: { kind: 'flag', doc: 'Print the page once, as text.' },
    by: { kind: 'text', argument: 'ORDER', doc: 'Order of the processes.', choices: ORDERS },
    limit: {
      kind: 'text',
      argument: 'N',
      doc: `Processes to print. Default: ${DEFAULT_PROCESSES}; a terminal shows what fits.`,
    },
    interval: {
      kind: 'text',
      argument: 'SECONDS',
      doc: `Time between two pages. Default: ${DEFAULT_INTERVAL_SECONDS}.`,
    },
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: [
    'drover top',
    'drover top web-1',
    'drover top --server http://web-1:8080 --by memory',
    'drover top --json',
  ],
  words: { least: 0, most: 1 },
  async run(invocation) {
    const { options, terminal, clock, signal, env } = invocation;
    const by = readOrder(options);
    const intervalMs = readIntervalMs(options);
    const processLimit =
      options.whole('limit', { least: 1, most: MOST_PROCESSES }) ?? DEFAULT_PROCESSES;
    using client = new JsonClient(await readServerTarget(options, env, 'operator'), clock);
    const { screen } = terminal;
    const subject = await findSubject(client, invocation);
    if (screen !== undefined && terminal.outIsTty && !isOnce(options)) {
      const page = subject.page ?? hostPage(client, { by, clock });
      await new LiveView({ terminal, screen, clock, signal, intervalMs, page }).run();
      return;
    }
    if (subject.page === undefined) {
      await printOnce(client, { by, processLimit }, invocation);
      return;
    }
    await subject.page.ask(0, signal);
    const text = subject.page.lines(UNBOUNDED).map((line) => `${line.text}\n`);
    await terminal.write(
      options.flag('json') ? `${JSON.stringify(subject.answer(), null, 2)}\n` : text.join(''),
    );
  },
};

function hostPage(client: JsonClient, { by, clock }: { by: TopOrder; clock: Clock }): LivePage {
  return new HostPage({
    ...{ by, server: client.url },
    ask: (question, signal) => readTop({ client, clock, signal }, question),
  });
}

async function printOnce(
  client: JsonClient,
  question: TopQuestion,
  { options, terminal, clock, signal }: Invocation,
): Promise<void> {
  const meter = new HostRateMeter();
  meter.update(await readTop({ client, clock, signal }, question));
  await clock.sleep(APART_MS, signal);
  const answer = await readTop({ client, clock, signal }, question);
  const rates = meter.update(answer);
  if (options.flag('json')) {
    await terminal.write(`${JSON.stringify(topToJson(client.url, answer, rates), null, 2)}\n`);
    return;
  }
  const page = topPage({ server: client.url, answer, rates, by: question.by }, UNBOUNDED);
  await terminal.write(page.map(({ text }) => `${text}\n`).join(''));
}

function isOnce(options: OptionValues): boolean {
  return options.flag('once') || options.flag('json');
}

function readOrder(options: OptionValues): TopOrder {
  const text = options.text('by') ?? 'cpu';
  const order = ORDERS.find((known) => known === text);
  if (order !== undefined) return order;
  throw invalidArgument('--by', `must be one of ${ORDERS.join(', ')}, not ${text}`);
}

function readIntervalMs(options: OptionValues): number {
  const text = options.text('interval');
  if (text === undefined) return DEFAULT_INTERVAL_SECONDS * SECOND_MS;
  const ms = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) * SECOND_MS : NaN;
  if (ms >= SHORTEST_INTERVAL_MS && ms <= LONGEST_INTERVAL_SECONDS * SECOND_MS) return ms;
  throw invalidArgument(
    '--interval',
    `must be from ${SHORTEST_INTERVAL_MS / SECOND_MS} to ${LONGEST_INTERVAL_SECONDS} seconds, ` +
      `not ${text}`,
  );
}
