/** The apps of a server: which there are, and which of their versions answers. */
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { formatAge, formatTable, printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation, OptionTable } from '#apps/drover/command.ts';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { formatBytes } from '#kernel/units.ts';

/** As the API answers them. */
interface WireApp {
  readonly name: string;
  readonly current: string;
  /** On the same server. */
  readonly url: string;
  readonly versions: readonly WireVersion[];
}

interface WireVersion {
  readonly version: string;
  readonly deployed_at: string;
  readonly size_bytes: number;
  readonly file_count: number;
  readonly workers: WireWorkers | null;
}

/** Null for an app of files alone. */
interface WireWorkers {
  readonly active: number;
  readonly idle: number;
  readonly creating: number;
  readonly in_flight: number;
  readonly queued: number;
  readonly requests: number;
  readonly failing: { readonly message: string; readonly attempts: number } | null;
}

const APPS = '/api/v1/apps';
const OPTIONS: OptionTable = { ...SERVER_OPTIONS, ...JSON_OPTION };

export const appList: Command = {
  name: 'app list',
  group: 'Apps',
  usage: '',
  summary: 'List the apps, and how it goes with each',
  options: OPTIONS,
  words: { least: 0, most: 0 },
  async run(invocation) {
    const { options, terminal, clock } = invocation;
    const api = await openRestClient(invocation, 'operator');
    const { apps } = (await api.call('GET', APPS)) as { readonly apps: readonly WireApp[] };
    if (options.flag('json')) {
      await terminal.write(`${JSON.stringify({ apps }, null, 2)}\n`);
      return;
    }
    if (apps.length === 0) {
      terminal.note('no apps yet; begin one with: drover app new hello');
      return;
    }
    const nowMs = clock.nowMs();
    const rows = apps.map((app) => {
      const current = app.versions.find(({ version }) => version === app.current);
      return [
        app.name,
        app.current,
        String(app.versions.length),
        current === undefined ? '-' : formatAge(nowMs - Date.parse(current.deployed_at)),
        stateOf(current?.workers ?? null),
        new URL(app.url, api.url).href,
      ];
    });
    await terminal.write(
      formatTable(['NAME', 'VERSION', 'VERSIONS', 'DEPLOYED', 'WORKERS', 'URL'], rows),
    );
  },
};

export const appShow: Command = {
  name: 'app show',
  group: 'Apps',
  usage: 'NAME',
  summary: 'Show an app: its versions, their workers, and why they fail',
  options: OPTIONS,
  words: { least: 1, most: 1 },
  async run(invocation) {
    const [name = ''] = invocation.words;
    const api = await openRestClient(invocation, 'operator');
    const app = (await api.call('GET', pathOf(name))) as WireApp;
    await printApp(app, new URL(app.url, api.url).href, invocation);
  },
};

export const appRollback: Command = {
  name: 'app rollback',
  group: 'Apps',
  usage: 'NAME',
  summary: 'Let the version before answer again, or the one that --to names',
  options: {
    to: { kind: 'text', argument: 'VERSION', doc: 'The version that is to answer.' },
    ...OPTIONS,
  },
  examples: ['drover app rollback shop', 'drover app rollback shop --to 1.1.0'],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, terminal } = invocation;
    const [name = ''] = words;
    const version = options.text('to');
    const api = await openRestClient(invocation, 'operator');
    const body = version === undefined ? {} : { version };
    const app = (await api.call('POST', `${pathOf(name)}/rollback`, body)) as WireApp;
    const text = `${app.name}@${app.current} ${new URL(app.url, api.url).href}`;
    await terminal.write(`${options.flag('json') ? JSON.stringify(app) : text}\n`);
  },
};

export const appRemove: Command = {
  name: 'app remove',
  group: 'Apps',
  usage: 'NAME[@VERSION]',
  summary: 'Remove an app with all its versions, or one version of it',
  details: ['Requests in progress end first; new ones are answered 404 at once.'],
  options: {
    yes: { kind: 'flag', short: 'y', doc: 'Really remove all versions of the app.' },
    ...OPTIONS,
  },
  examples: ['drover app remove shop@1.0.0', 'drover app remove shop --yes'],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, terminal } = invocation;
    const [word = ''] = words;
    const { name, version } = splitSpec(word);
    const api = await openRestClient(invocation, 'operator');
    if (version === undefined && !options.flag('yes')) {
      const { versions } = (await api.call('GET', pathOf(name))) as WireApp;
      throw mustConfirm(name, versions.length);
    }
    const query = version === undefined ? '' : `?version=${encodeURIComponent(version)}`;
    await api.call('DELETE', `${pathOf(name)}${query}`);
    const line = options.flag('json') ? JSON.stringify({ removed: word }) : `removed ${word}`;
    await terminal.write(`${line}\n`);
  },
};

function mustConfirm(name: string, versions: number): DroverError {
  const what = versions === 1 ? 'its only version' : `all its ${versions} versions`;
  return new DroverError(
    'failed_precondition',
    `this removes ${name} with ${what}; add --yes if that is meant, or name one: ${name}@VERSION`,
    { reason: 'CONFIRMATION_MISSING' },
  );
}

function splitSpec(word: string): { readonly name: string; readonly version: string | undefined } {
  const at = word.indexOf('@');
  if (at === -1) return { name: word, version: undefined };
  const [name, version] = [word.slice(0, at), word.slice(at + 1)];
  if (name !== '' && version !== '') return { name, version };
  throw invalidArgument('NAME', `must be a name, or name@version, not ${word}`);
}

export function pathOf(name: string): string {
  return `${APPS}/${encodeURIComponent(name)}`;
}

async function printApp(
  app: WireApp,
  url: string,
  { options, terminal, clock }: Invocation,
): Promise<void> {
  if (options.flag('json')) {
    await terminal.write(`${JSON.stringify(app, null, 2)}\n`);
    return;
  }
  const nowMs = clock.nowMs();
  const rows = app.versions.map(({ version, workers, ...rest }) => [
    version === app.current ? `${version} *` : version,
    formatAge(nowMs - Date.parse(rest.deployed_at)),
    formatBytes(rest.size_bytes),
    String(rest.file_count),
    stateOf(workers),
    String(workers?.in_flight ?? '-'),
    String(workers?.queued ?? '-'),
    String(workers?.requests ?? '-'),
  ]);
  const header = ['VERSION', 'DEPLOYED', 'SIZE', 'FILES', 'WORKERS', 'IN FLIGHT', 'QUEUED'];
  await terminal.write(`${app.name} ${url}\n\n${formatTable([...header, 'REQUESTS'], rows)}`);
  for (const { version, workers } of app.versions) {
    if (workers === null || workers.failing === null) continue;
    const { message, attempts } = workers.failing;
    const tries = attempts === 1 ? 'once' : `${attempts} times`;
    await terminal.write(`\n${version} does not start (tried ${tries}): ${printable(message)}\n`);
  }
}

function stateOf(workers: WireWorkers | null): string {
  if (workers === null) return 'files';
  if (workers.failing !== null) return 'failing';
  const { active, idle, creating } = workers;
  const total = active + idle + creating;
  if (total === 0) return 'none';
  const parts = [
    ...(active > 0 ? [`${active} active`] : []),
    ...(idle > 0 ? [`${idle} idle`] : []),
    ...(creating > 0 ? [`${creating} starting`] : []),
  ];
  return parts.join(', ');
}
