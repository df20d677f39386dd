/** Named ways to a vCenter or a host, so that requests hold no password. */
import { forEachWord } from '#apps/drover/client/for-each-word.ts';
import { printAnswer } from '#apps/drover/client/print-answer.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { factsOf, formatSheet } from '#apps/drover/client/sheet-text.ts';
import { formatTable, printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, OptionTable } from '#apps/drover/command.ts';
import { whileWaiting } from '#apps/drover/terminal.ts';

/** As the API answers it. */
export interface WireConnection {
  readonly name: string;
  readonly vcenter_url: string;
  readonly username: string;
  readonly insecure: boolean;
  readonly thumbprint: string | null;
  readonly ca: string | null;
}

export const CONNECTIONS = '/connections';
const MOST_NAMES = 100;
const OPTIONS: OptionTable = { ...SERVER_OPTIONS, ...JSON_OPTION };

export const connectionsList: Command = {
  name: 'connections list',
  group: 'Migration',
  usage: '',
  summary: 'List the connections to vCenters and hosts',
  options: OPTIONS,
  words: { least: 0, most: 0 },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    const answer = await api.call('GET', CONNECTIONS);
    const { connections } = answer as { readonly connections: readonly WireConnection[] };
    await printAnswer(invocation, answer, () => {
      const rows = connections.map((connection) => [
        connection.name,
        connection.vcenter_url,
        printable(connection.username),
        trustOf(connection),
      ]);
      return rows.length === 0 ? '' : formatTable(['NAME', 'URL', 'USER', 'BELIEVES'], rows);
    });
    if (connections.length === 0) {
      const example = 'drover connections add lab --url https://vcenter.example.com --username …';
      invocation.terminal.note(`no connections yet; make one with: ${example}`);
    }
  },
};

export const connectionsShow: Command = {
  name: 'connections show',
  group: 'Migration',
  usage: 'NAME',
  summary: 'Show a connection, without its password',
  options: OPTIONS,
  words: { least: 1, most: 1 },
  async run(invocation) {
    const [name = ''] = invocation.words;
    const api = await openRestClient(invocation, 'operator');
    const answer = (await api.call('GET', connectionPath(name))) as WireConnection;
    await printAnswer(invocation, answer, () => connectionToSheet(answer));
  },
};

export const connectionsRemove: Command = {
  name: 'connections remove',
  group: 'Migration',
  usage: 'NAME…',
  summary: 'Remove connections; jobs that name one cannot run any more',
  options: OPTIONS,
  words: { least: 1, most: MOST_NAMES },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    await forEachWord(invocation, async (name) => {
      await api.call('DELETE', connectionPath(name));
      return { text: `removed ${name}`, plain: { removed: name } };
    });
  },
};

export const connectionsTest: Command = {
  name: 'connections test',
  group: 'Migration',
  usage: 'NAME…',
  summary: 'Log in by connections, and say what is there',
  options: OPTIONS,
  words: { least: 1, most: MOST_NAMES },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    await forEachWord(invocation, async (name) => {
      const asking = api.call('POST', `${connectionPath(name)}/test`);
      const plain = await whileWaiting(invocation, `logging in at ${name}`, asking);
      const { product, vms } = plain as { readonly product: string; readonly vms: number | null };
      const found = vms === null ? 'its VMs cannot be listed' : `${vms} VMs`;
      return { text: `${name} works: ${printable(product)}, ${found}`, plain };
    });
  },
};

export function connectionPath(name: string): string {
  return `${CONNECTIONS}/${encodeURIComponent(name)}`;
}

export function connectionToSheet(connection: WireConnection): string {
  return formatSheet(factsOf({ ...connection, ca: connection.ca === null ? null : 'given' }));
}

function trustOf({ insecure, thumbprint, ca }: WireConnection): string {
  if (insecure) return 'anybody';
  if (thumbprint !== null) return 'one certificate';
  return ca === null ? 'the usual authorities' : 'its own authorities';
}
