/** Sources of servers as options. */
import type { Invocation, OptionTable } from '#apps/drover/command.ts';
import { readPemFile, TRUST_OPTIONS } from '#apps/drover/client/trust-options.ts';
import { readSecretFile } from '#apps/drover/client/secret-text.ts';
import { invalidArgument } from '#kernel/errors.ts';
import type { WireSource } from './wire-server.ts';

const HTTP_KINDS = ['exporter', 'prometheus', 'proxmox', 'qdrant'] as const;
/** They are about one source, and belong to none when there are more. */
const DETAILS = ['instance', 'node', 'secret-file', 'thumbprint', 'source-ca'] as const;

export const SOURCE_FLAGS: OptionTable = {
  local: { kind: 'flag', doc: 'A source: the host that the Drover server itself runs on.' },
  exporter: {
    kind: 'list',
    argument: 'URL',
    doc: 'A source: a Drover agent, a node_exporter or an exporter of GPUs.',
  },
  prometheus: {
    kind: 'list',
    argument: 'URL',
    doc: 'A source: a Prometheus that scrapes the server; needs --instance.',
  },
  instance: {
    kind: 'text',
    argument: 'NAME',
    doc: 'The label instance of the server there, such as web-1:9100.',
  },
  proxmox: { kind: 'list', argument: 'URL', doc: 'A source: a Proxmox VE, https://HOST:8006.' },
  node: { kind: 'text', argument: 'NAME', doc: 'Its node. Default: the one that answers.' },
  qdrant: { kind: 'list', argument: 'URL', doc: 'A source: a Qdrant, http://HOST:6333.' },
  'secret-file': {
    kind: 'text',
    argument: 'FILE',
    doc: 'What that source wants to see: a token, USER:PASSWORD, or a key; - reads it from stdin.',
  },
  ...TRUST_OPTIONS,
};

export type SourceBody = WireSource & { readonly secret?: string };

/** As requests hold them; empty when none is named. */
export async function readSources(invocation: Invocation): Promise<readonly SourceBody[]> {
  const { options } = invocation;
  const remote = HTTP_KINDS.flatMap((kind) => options.list(kind).map((url) => ({ kind, url })));
  const detail = DETAILS.find((name) => options.text(name) !== undefined);
  const stray = detail ?? (options.flag('insecure') ? 'insecure' : undefined);
  const local = options.flag('local') ? [{ kind: 'local' }] : [];
  if (stray === undefined) return [...local, ...remote];
  const [only, ...others] = remote;
  if (only === undefined || others.length > 0) {
    const count = only === undefined ? 'none' : `${remote.length} of them`;
    const how = 'add the others afterwards, one by one, with: drover servers edit';
    throw invalidArgument(`--${stray}`, `is about one source with a URL, not ${count}; ${how}`);
  }
  const file = options.text('secret-file');
  const secret = file && (await readSecretFile(invocation, '--secret-file', file));
  const ca = await readPemFile(invocation, 'source-ca');
  const [instance, node] = [options.text('instance'), options.text('node')];
  const thumbprint = options.text('thumbprint');
  return [
    ...local,
    {
      ...only,
      ...(instance !== undefined && { instance }),
      ...(node !== undefined && { node }),
      ...(secret !== undefined && { secret }),
      ...(thumbprint !== undefined && { thumbprint }),
      ...(ca !== undefined && { ca }),
      ...(options.flag('insecure') && { insecure: true }),
    },
  ];
}
