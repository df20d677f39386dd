/** The servers that are watched: how they are, and whether they can be asked. */
import { forEachWord } from '#apps/drover/client/for-each-word.ts';
import { printAnswer } from '#apps/drover/client/print-answer.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { formatTable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, OptionTable } from '#apps/drover/command.ts';
import {
  SERVER_HEADER,
  serverToCells,
  serverToSheet,
  testToLines,
} from '#apps/drover/fleet/server-text.ts';
import {
  byAttention,
  SERVER_STATES,
  serverPath,
  type WireServer,
  type WireServerState,
  type WireTest,
} from '#apps/drover/fleet/wire-server.ts';
import { whileWaiting } from '#apps/drover/terminal.ts';
import { DroverError } from '#kernel/errors.ts';

const MOST_IDS = 100;
const OPTIONS: OptionTable = { ...SERVER_OPTIONS, ...JSON_OPTION };

export const serversList: Command = {
  name: 'servers list',
  group: 'Fleet',
  usage: '',
  summary: 'List the servers that are watched, what needs attention first',
  options: OPTIONS,
  words: { least: 0, most: 0 },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    const answer = await api.call('GET', SERVER_STATES);
    const { servers } = answer as { readonly servers: readonly WireServerState[] };
    await printAnswer(invocation, answer, () =>
      formatTable(SERVER_HEADER, servers.toSorted(byAttention).map(serverToCells)),
    );
  },
};

export const serversShow: Command = {
  name: 'servers show',
  group: 'Fleet',
  usage: 'ID',
  summary: 'Show a server: how it is, why, and where that is known from',
  options: OPTIONS,
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, clock } = invocation;
    const [id = ''] = words;
    const api = await openRestClient(invocation, 'operator');
    const server = (await api.call('GET', serverPath(id))) as WireServer;
    const all = (await api.call('GET', SERVER_STATES)) as { servers: readonly WireServerState[] };
    const state = all.servers.find((each) => each.id === id);
    const answer = { ...server, state: state ?? null };
    await printAnswer(invocation, answer, () => serverToSheet(server, state, clock.nowMs()));
  },
};

export const serversRemove: Command = {
  name: 'servers remove',
  group: 'Fleet',
  usage: 'ID…',
  summary: 'Watch servers no more; what was measured of them stays',
  options: OPTIONS,
  words: { least: 1, most: MOST_IDS },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    await forEachWord(invocation, async (id) => {
      await api.call('DELETE', serverPath(id));
      return { text: `removed ${id}`, plain: { removed: id } };
    });
  },
};

export const serversTest: Command = {
  name: 'servers test',
  group: 'Fleet',
  usage: 'ID…',
  summary: 'Ask each source of servers now, and say how that went',
  options: OPTIONS,
  words: { least: 1, most: MOST_IDS },
  async run(invocation) {
    const { options, terminal } = invocation;
    const api = await openRestClient(invocation, 'operator');
    let failing = 0;
    await forEachWord(invocation, async (id) => {
      const asking = api.call('POST', `${serverPath(id)}/test`);
      const plain = (await whileWaiting(invocation, `asking ${id}`, asking)) as WireTest;
      failing += plain.sources.filter(({ error }) => error !== null).length;
      return { text: testToLines(id, plain).join('\n'), plain };
    });
    if (failing === 0) return;
    if (!options.flag('json')) terminal.note('drover servers edit ID changes its sources');
    throw new DroverError('unavailable', `${failing} of the sources cannot be asked`);
  },
};
