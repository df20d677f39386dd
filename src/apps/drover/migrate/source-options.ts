/** Where VMs are found: a connection that the server knows, an address with a login, or files. */

import { readPemFile, TRUST_OPTIONS } from '#apps/drover/client/trust-options.ts';
import type { Invocation, OptionTable } from '#apps/drover/command.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { readSecret } from '#apps/drover/client/secret-text.ts';

/** How to log in, and whom to believe there. */
export const LOGIN_OPTIONS: OptionTable = {
  username: {
    kind: 'text',
    argument: 'USER',
    doc: 'Who logs in there; the password is asked for.',
  },
  'password-file': {
    kind: 'text',
    argument: 'FILE',
    doc: 'A file with the password, instead of being asked; - is the standard input.',
  },
  ...TRUST_OPTIONS,
};

export const SOURCE_OPTIONS: OptionTable = {
  from: {
    kind: 'text',
    argument: 'CONNECTION|URL',
    doc: "A connection, or https://HOST with --username. Default: the server's GOVC_URL.",
  },
  ...LOGIN_OPTIONS,
};

const FILES = 'file:';

/** As requests hold it; undefined means the login that the server has by itself. */
export async function readSourceOptions(invocation: Invocation): Promise<object | undefined> {
  const { options } = invocation;
  const from = options.text('from');
  const isAddress = from?.includes('://') === true && !from.startsWith(FILES);
  if (isAddress) {
    const login = { vcenter_url: from, ...(await readLogin(invocation, from)) };
    return { type: 'vsphere', ...login };
  }
  const stray = Object.keys(LOGIN_OPTIONS).find(
    (name) => options.text(name) !== undefined || options.flag(name),
  );
  if (stray !== undefined) {
    const where = from ?? 'the login of the server';
    throw invalidArgument(
      `--${stray}`,
      `goes with an address such as --from https://vcenter.example.com, not with ${where}`,
    );
  }
  if (from === undefined) return undefined;
  // Without a folder: all that there are, to be looked through.
  if (from === FILES) return { type: 'file' };
  if (from.startsWith(FILES)) return { type: 'file', path: fileUrlToPath(from) };
  return { type: 'vsphere', connection: from };
}

/** All of a login, for an address. */
export async function readLogin(invocation: Invocation, address: string): Promise<object> {
  const { options } = invocation;
  const username = options.text('username');
  if (username === undefined) {
    throw invalidArgument('--username', `is missing: who logs in at ${address}?`);
  }
  const trust = await readTrust(invocation);
  const what = `the password of ${username} at ${address}`;
  return { username, ...trust, password: await readSecret(invocation, { option: PASSWORD, what }) };
}

const PASSWORD = 'password-file';

/** What is left out of an object is left out of its JSON. */
export async function readTrust(invocation: Invocation): Promise<object> {
  const { options } = invocation;
  return {
    thumbprint: options.text('thumbprint'),
    insecure: options.flag('insecure') ? true : undefined,
    ca: await readPemFile(invocation, 'source-ca'),
  };
}

/** `file:/a`, `file:///a` → `/a`. */
export function fileUrlToPath(text: string): string {
  return text.slice(FILES.length).replace(/^\/\/(?=\/)/, '');
}
