import { printAnswer } from '#apps/drover/client/print-answer.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation, OptionTable } from '#apps/drover/command.ts';
import { readSecret } from '#apps/drover/client/secret-text.ts';
import { LOGIN_OPTIONS, readLogin, readTrust } from '#apps/drover/migrate/source-options.ts';
import { warningsOf } from '#apps/drover/migrate/wire-job.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { connectionPath, CONNECTIONS, connectionToSheet } from './connections.ts';
import type { WireConnection } from './connections.ts';

const PASSWORD = 'password-file';
const PLACE_OPTIONS: OptionTable = {
  url: { kind: 'text', argument: 'URL', doc: 'Where it is: https://vcenter.example.com.' },
  ...LOGIN_OPTIONS,
  datacenter: { kind: 'text', argument: 'NAME', doc: 'Where paths begin that name no other.' },
};

export const connectionsAdd: Command = {
  name: 'connections add',
  group: 'Migration',
  usage: 'NAME',
  summary: 'Let the server keep a login for a vCenter or host, under a name',
  details: [
    'The password is asked for, or read from --password-file, and is kept sealed. It is never an ' +
      'argument: those can be read by every user of this host.',
  ],
  options: { ...PLACE_OPTIONS, ...SERVER_OPTIONS, ...JSON_OPTION },
  examples: [
    'drover connections add lab --url https://vcenter.example.com --username ada@vsphere.local',
    'pass vcenter | drover connections add lab --url … --username … --password-file -',
  ],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, terminal } = invocation;
    const [name = ''] = words;
    const url = options.text('url');
    if (url === undefined) {
      throw invalidArgument('--url', 'is missing; it must be such as https://vcenter.example.com');
    }
    const login = await readLogin(invocation, url);
    const body = { name, vcenter_url: url, ...login, datacenter: options.text('datacenter') };
    const api = await openRestClient(invocation, 'operator');
    await printChanged(await api.call('POST', CONNECTIONS, body), invocation);
    terminal.note(`try it with: drover connections test ${name}`);
  },
};

export const connectionsChange: Command = {
  name: 'connections change',
  group: 'Migration',
  usage: 'NAME',
  summary: 'Change a connection; what is not named stays as it is',
  options: {
    ...PLACE_OPTIONS,
    password: { kind: 'flag', doc: 'Ask for a new password.' },
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: [
    'drover connections change lab --password',
    'drover connections change lab --insecure',
  ],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options } = invocation;
    const [name = ''] = words;
    const isNew = options.flag('password') || options.text(PASSWORD) !== undefined;
    const what = `the new password of ${name}`;
    const body = {
      vcenter_url: options.text('url'),
      username: options.text('username'),
      datacenter: options.text('datacenter'),
      ...(await readTrust(invocation)),
      password: isNew ? await readSecret(invocation, { option: PASSWORD, what }) : undefined,
    };
    if (Object.values(body).every((value) => value === undefined)) {
      throw invalidArgument('NAME', `is all there is; say what is to change of ${name}`);
    }
    const api = await openRestClient(invocation, 'operator');
    await printChanged(await api.call('PUT', connectionPath(name), body), invocation);
  },
};

async function printChanged(answer: unknown, invocation: Invocation): Promise<void> {
  const { connection } = answer as { readonly connection: WireConnection };
  for (const warning of warningsOf(answer)) invocation.terminal.note(`drover: ${warning}`);
  await printAnswer(invocation, connection, () => connectionToSheet(connection));
}
