/** Silences: alerts that match are shown, and told to nobody, for a while. */
import { forEachWord } from '#apps/drover/client/for-each-word.ts';
import { printAnswer } from '#apps/drover/client/print-answer.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { formatTable, printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, OptionTable } from '#apps/drover/command.ts';
import { invalidArgument } from '#kernel/errors.ts';

/** As the API answers it. */
interface WireSilence {
  readonly id: string;
  readonly match: readonly string[];
  readonly until: string;
  readonly comment: string;
  readonly created_by: string;
}

const SILENCES = '/api/v1/silences';
const MOST_WORDS = 100;
const OPTIONS: OptionTable = { ...SERVER_OPTIONS, ...JSON_OPTION };
const HEADER = ['SILENCE', 'UNTIL', 'BY', 'MATCH', 'COMMENT'];

export const silenceList: Command = {
  name: 'silence list',
  group: 'Alerts',
  usage: '',
  summary: 'List the silences, the next to end first',
  options: OPTIONS,
  words: { least: 0, most: 0 },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    const answer = await api.call('GET', SILENCES);
    const { silences } = answer as { readonly silences: readonly WireSilence[] };
    await printAnswer(invocation, answer, () =>
      silences.length === 0 ? '' : formatTable(HEADER, silences.map(silenceToCells)),
    );
    if (silences.length === 0) invocation.terminal.note('no silences');
  },
};

export const silenceAdd: Command = {
  name: 'silence add',
  group: 'Alerts',
  usage: 'TIME',
  summary: 'Tell nobody of certain alerts for a while; they are still shown',
  details: [
    'TIME is how long, such as 2h or 7d, or until when: 2030-01-31T12:00:00Z. All matchers must ' +
      'match the labels of an alert, or `rule`, the name of its rule, or `severity`. What still ' +
      'fires when the time is over is told then.',
  ],
  options: {
    match: {
      kind: 'list',
      argument: 'MATCHER',
      doc: 'Only alerts with this label, such as server="web-1" or rule=~"disk.*".',
    },
    comment: { kind: 'text', argument: 'TEXT', doc: 'Why, for others.' },
    ...OPTIONS,
  },
  examples: [`drover silence add 2h --match 'server="web-1"' --comment 'new disks'`],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options } = invocation;
    const [until] = words;
    const match = options.list('match');
    if (match.length === 0) {
      throw invalidArgument('--match', 'is missing: which alerts? Such as server="web-1"');
    }
    const api = await openRestClient(invocation, 'operator');
    const body = { match, until, comment: options.text('comment') };
    const silence = (await api.call('POST', SILENCES, body)) as WireSilence;
    await printAnswer(invocation, silence, () => formatTable(HEADER, [silenceToCells(silence)]));
  },
};

export const silenceRemove: Command = {
  name: 'silence remove',
  group: 'Alerts',
  usage: 'ID…',
  summary: 'End silences now',
  options: OPTIONS,
  words: { least: 1, most: MOST_WORDS },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    await forEachWord(invocation, async (id) => {
      await api.call('DELETE', `${SILENCES}/${encodeURIComponent(id)}`);
      return { text: `removed ${id}`, plain: { removed: id } };
    });
  },
};

function silenceToCells({ id, until, created_by: by, match, comment }: WireSilence) {
  return [id, until, printable(by), printable(match.join(' ')), printable(comment)];
}
