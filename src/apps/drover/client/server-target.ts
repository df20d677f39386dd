/** Which server the commands talk to, and as whom: the options, the variables, the defaults. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { Transport } from '@connectrpc/connect';

import type { OptionTable, OptionValues } from '#apps/drover/command.ts';
import { isLoopback } from '#apps/drover/config-addresses.ts';
import type { Environment } from '#apps/drover/env.ts';
import { invalidArgument, systemErrorCode } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';

export interface ServerTarget {
  readonly url: string;
  /** Undefined: calls carry no token, and the server says what it wants. */
  readonly token: string | undefined;
  /** PEM text of the authorities to trust instead of the system's. */
  readonly ca: string | undefined;
}

export const SERVER_OPTIONS: OptionTable = {
  server: {
    kind: 'text',
    argument: 'URL',
    doc: 'The server to talk to. Default: DROVER_SERVER, or http://127.0.0.1:8080.',
  },
  token: {
    kind: 'text',
    argument: 'TOKEN',
    doc: 'The token to show it; other users of this host can read it here.',
  },
  'token-file': {
    kind: 'text',
    argument: 'FILE',
    doc: 'A file with the token. Default: DROVER_TOKEN, or the file DROVER_TOKEN_FILE.',
  },
  ca: {
    kind: 'text',
    argument: 'FILE',
    doc: 'PEM certificates of the authorities to trust. Default: DROVER_CA.',
  },
};

/** What dev mode, which is the default on loopback, takes without asking. */
const DEV_TOKENS = { customer: 'dev_customer_local', operator: 'dev_operator' } as const;
const DEFAULT_SERVER = 'http://127.0.0.1:8080';
const MAX_MESSAGE_BYTES = 16 * MIB;

export async function readServerTarget(
  options: OptionValues,
  env: Environment,
  role: keyof typeof DEV_TOKENS = 'customer',
): Promise<ServerTarget> {
  const url = parseServerUrl(
    options.text('server') ?? env.variables['DROVER_SERVER'] ?? DEFAULT_SERVER,
  );
  const given = await readToken(options, env);
  const devToken = isLoopback(url.hostname) ? DEV_TOKENS[role] : undefined;
  const caFile = options.text('ca') ?? env.variables['DROVER_CA'];
  return {
    url: url.href.replace(/\/$/, ''),
    token: given ?? devToken,
    ca: caFile === undefined ? undefined : await readText('ca', resolve(env.currentDir, caFile)),
  };
}

export async function connectTo(target: ServerTarget): Promise<Transport> {
  const { token, ca } = target;
  // Loaded here: a server asks no other, and it is large.
  const { createConnectTransport } = await import('@connectrpc/connect-node');
  return createConnectTransport({
    baseUrl: target.url,
    httpVersion: '1.1',
    readMaxBytes: MAX_MESSAGE_BYTES,
    ...(ca === undefined ? {} : { nodeOptions: { ca } }),
    interceptors: [
      (next) => (request) => {
        if (token !== undefined) request.header.set('authorization', `Bearer ${token}`);
        return next(request);
      },
    ],
  });
}

/** The nearer to the command, the stronger; a text wins over a file of the same nearness. */
async function readToken(options: OptionValues, env: Environment): Promise<string | undefined> {
  const inOption = options.text('token');
  if (inOption !== undefined) return checkToken('--token', inOption);
  const file = options.text('token-file');
  if (file !== undefined) return readTokenFile('--token-file', file, env);
  const inVariable = env.variables['DROVER_TOKEN'];
  if (inVariable !== undefined) return checkToken('DROVER_TOKEN', inVariable);
  const fileInVariable = env.variables['DROVER_TOKEN_FILE'];
  if (fileInVariable === undefined) return undefined;
  return readTokenFile('DROVER_TOKEN_FILE', fileInVariable, env);
}

async function readTokenFile(source: string, path: string, env: Environment): Promise<string> {
  return checkToken(source, (await readText(source, resolve(env.currentDir, path))).trim());
}

/** Never repeats it: not even a wrong one belongs on a screen. */
function checkToken(source: string, token: string): string {
  if (/^[\u0021-\u007E]+$/.test(token)) return token;
  throw invalidArgument(source, 'must be a token: letters, digits and signs without spaces');
}

function parseServerUrl(text: string): URL {
  const withScheme = text.includes('://') ? text : `http://${text}`;
  const url = URL.parse(withScheme);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '') return url;
  throw invalidArgument('server', `must be a URL such as ${DEFAULT_SERVER}, not ${text}`);
}

async function readText(field: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    throw invalidArgument(field, `${path} cannot be read (${systemErrorCode(thrown)})`);
  }
}
