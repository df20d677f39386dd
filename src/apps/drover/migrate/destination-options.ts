/** Where a VM is to go: libvirt, a customer of this or another Drover, or a folder. */
import type { Invocation, OptionTable, OptionValues } from '#apps/drover/command.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { readSecret } from '#apps/drover/client/secret-text.ts';
import { readPemFile } from '#apps/drover/client/trust-options.ts';
import { fileUrlToPath } from './source-options.ts';

const REMOTE_OPTIONS: OptionTable = {
  'to-url': {
    kind: 'text',
    argument: 'URL',
    doc: 'Of another Drover, with --to drover:CUSTOMER; its token is asked for.',
  },
  'to-token-file': {
    kind: 'text',
    argument: 'FILE',
    doc: 'A file with that token, instead of being asked; - is the standard input.',
  },
  'to-thumbprint': {
    kind: 'text',
    argument: 'SHA256',
    doc: 'Of the certificate there, to believe that one alone.',
  },
  'to-ca': {
    kind: 'text',
    argument: 'FILE',
    doc: 'PEM certificates of the authorities to believe there.',
  },
  'to-insecure': { kind: 'flag', doc: 'Believe every certificate there.' },
};

export const DESTINATION_OPTIONS: OptionTable = {
  to: {
    kind: 'text',
    argument: 'TARGET',
    doc: 'kvm:URI of libvirt, such as kvm:qemu:///system; drover:CUSTOMER; or file:/FOLDER.',
  },
  ...REMOTE_OPTIONS,
  pool: { kind: 'text', argument: 'NAME', doc: 'The storage pool for the disks.' },
  directory: { kind: 'text', argument: 'FOLDER', doc: 'A folder for the disks, not a pool.' },
};

const TARGET =
  'must be kvm:URI of libvirt, such as kvm:qemu:///system, drover:CUSTOMER, or file:/FOLDER';
const DROVER = 'drover:';

export async function readDestination(invocation: Invocation): Promise<object> {
  const { options } = invocation;
  const to = options.text('to');
  const places = { pool: options.text('pool'), directory: options.text('directory') };
  const ready = { ready_text: options.text('ready-text') };
  if (to === undefined) throw invalidArgument('--to', `is missing; it ${TARGET}`);
  const [kind = ''] = to.split(':');
  if (kind !== 'drover') refuseGiven(options, Object.keys(REMOTE_OPTIONS), 'goes with drover');
  if (kind === 'file' || kind === 'drover') {
    refuseGiven(options, Object.keys(places), `goes with kvm, not ${kind}`);
    if (kind === 'file') return { type: 'file', directory: fileUrlToPath(to) };
    const customer = { type: 'drover', customer_id: to.slice(DROVER.length) };
    return { ...customer, ...ready, ...(await readRemote(invocation)) };
  }
  const uri = to === 'kvm' ? '' : to.replace(/^kvm:/, '');
  if (uri !== '' && !/^[a-z][a-z0-9+.-]*:/i.test(uri)) {
    throw invalidArgument('--to', `${TARGET}, not ${to}`);
  }
  return { type: 'kvm', libvirt_uri: uri === '' ? undefined : uri, ...places, ...ready };
}

/** What is left out of an object is left out of its JSON. */
async function readRemote(invocation: Invocation): Promise<object> {
  const { options } = invocation;
  const url = options.text('to-url');
  if (url === undefined) {
    refuseGiven(options, Object.keys(REMOTE_OPTIONS), 'goes with --to-url');
    return {};
  }
  const ca = await readPemFile(invocation, 'to-ca');
  const what = `the token for ${url}`;
  return {
    ...{ url, ca, thumbprint: options.text('to-thumbprint') },
    insecure: options.flag('to-insecure') ? true : undefined,
    token: await readSecret(invocation, { option: 'to-token-file', what }),
  };
}

function refuseGiven(options: OptionValues, names: readonly string[], why: string): void {
  const stray = names.find((name) => options.text(name) !== undefined || options.flag(name));
  if (stray !== undefined) throw invalidArgument(`--${stray}`, why);
}
