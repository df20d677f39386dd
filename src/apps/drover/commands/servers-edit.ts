import { printAnswer } from '#apps/drover/client/print-answer.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, OptionTable } from '#apps/drover/command.ts';
import { serverToSheet } from '#apps/drover/fleet/server-text.ts';
import { readSources, SOURCE_FLAGS, type SourceBody } from '#apps/drover/fleet/source-flags.ts';
import {
  SERVERS,
  serverPath,
  type WireServer,
  type WireSource,
} from '#apps/drover/fleet/wire-server.ts';
import { invalidArgument } from '#kernel/errors.ts';

const MOST_SOURCES = 8;
const WHAT_IT_IS: OptionTable = {
  name: { kind: 'text', argument: 'TEXT', doc: 'What people call it. Default: the id.' },
  role: {
    kind: 'list',
    argument: 'ROLE',
    doc: 'What it is for; may be given often. Default: any.',
    choices: ['ai', 'app', 'storage', 'any'],
  },
};

export const serversAdd: Command = {
  name: 'servers add',
  group: 'Fleet',
  usage: 'ID',
  summary: 'Watch a server, by what its sources tell of it',
  details: [
    'Of several sources each part is shown of the first that knows it: the machine by a Drover ' +
      'agent or a node_exporter, say, and its VMs by a Proxmox VE.',
  ],
  options: { ...WHAT_IT_IS, ...SOURCE_FLAGS, ...SERVER_OPTIONS, ...JSON_OPTION },
  examples: [
    'drover servers add web-1 --role app --exporter http://web-1:9100',
    'drover servers add db-1 --prometheus http://prometheus:9090 --instance db-1:9100',
    'drover servers add pve-1 --proxmox https://pve-1:8006 --secret-file token --thumbprint …',
    'drover servers add here --local --role ai --role storage',
  ],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, terminal } = invocation;
    const [id = ''] = words;
    const sources = await readSources(invocation);
    if (sources.length === 0) {
      throw invalidArgument('--exporter', 'is missing, or another source; see --help');
    }
    const api = await openRestClient(invocation, 'operator');
    const roles = options.list('role');
    const body = {
      ...{ id, name: options.text('name'), sources },
      roles: roles.length === 0 ? undefined : roles,
    };
    const server = (await api.call('POST', SERVERS, body)) as WireServer;
    await printAnswer(invocation, server, () => serverToSheet(server, undefined, 0));
    terminal.note(`try it with: drover servers test ${id}`);
    const all = (await api.call('GET', SERVERS)) as { readonly servers: readonly WireServer[] };
    if (all.servers.some((each) => each.sources.some(({ kind }) => kind === 'local'))) return;
    terminal.note('the host of the server is not watched now: drover servers add NAME --local');
  },
};

export const serversEdit: Command = {
  name: 'servers edit',
  group: 'Fleet',
  usage: 'ID',
  summary: 'Change a server; what is not named stays as it is',
  details: [
    'A source that is named is added, or takes the place of one of the same kind at the same ' +
      'host; --drop takes one away.',
  ],
  options: {
    ...WHAT_IT_IS,
    ...SOURCE_FLAGS,
    drop: {
      kind: 'text',
      argument: 'N',
      doc: 'Take away the source with this number, as servers show counts them.',
    },
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: [
    'drover servers edit web-1 --qdrant http://web-1:6333 --secret-file key',
    'drover servers edit web-1 --drop 2',
  ],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options } = invocation;
    const [id = ''] = words;
    const added = await readSources(invocation);
    const drop = options.whole('drop', { least: 1, most: MOST_SOURCES });
    const [name, roles] = [options.text('name'), options.list('role')];
    const hasSources = added.length > 0 || drop !== undefined;
    if (!hasSources && name === undefined && roles.length === 0) {
      throw invalidArgument('ID', `is all there is; say what is to change of ${id}`);
    }
    const api = await openRestClient(invocation, 'operator');
    const body = {
      name,
      roles: roles.length === 0 ? undefined : roles,
      sources: undefined as readonly SourceBody[] | undefined,
    };
    if (hasSources) {
      const { sources } = (await api.call('GET', serverPath(id))) as WireServer;
      if (drop !== undefined && drop > sources.length) {
        throw invalidArgument('--drop', `must be at most ${sources.length}, not ${drop}`);
      }
      const kept = sources.filter((_, at) => at + 1 !== drop);
      body.sources = mergeSources(kept, added);
    }
    const server = (await api.call('PUT', serverPath(id), body)) as WireServer;
    await printAnswer(invocation, server, () => serverToSheet(server, undefined, 0));
  },
};

function mergeSources(
  now: readonly WireSource[],
  added: readonly SourceBody[],
): readonly SourceBody[] {
  const merged: SourceBody[] = [...now];
  for (const source of added) {
    const at = merged.findIndex((old) => isSamePlace(old, source));
    if (at === -1) merged.push(source);
    else merged[at] = source;
  }
  return merged;
}

function isSamePlace(one: WireSource, other: WireSource): boolean {
  if (one.kind !== other.kind) return false;
  return hostOf(one.url) === hostOf(other.url);
}

/** Of what is no URL the server says so. */
function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : (URL.parse(url)?.host ?? url);
}
