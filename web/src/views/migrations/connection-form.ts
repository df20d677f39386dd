/** What is typed of a connection, and what is sent of it. */
import { sendJson } from '#web/api/http.ts';
import { useAction } from '#web/api/use-action.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import type { Connection } from './wire.ts';

export interface ConnectionForm {
  readonly name: string;
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly datacenter: string;
  readonly trust: 'system' | 'pinned' | 'ca' | 'insecure';
  readonly thumbprint: string;
  readonly ca: string;
}

export function formOf(connection: Connection | undefined): ConnectionForm {
  return {
    name: connection?.name ?? '',
    url: connection?.vcenter_url ?? '',
    username: connection?.username ?? '',
    password: '',
    datacenter: connection?.datacenter ?? '',
    trust: trustOf(connection),
    thumbprint: connection?.thumbprint ?? '',
    ca: connection?.ca ?? '',
  };
}

function trustOf(connection: Connection | undefined): ConnectionForm['trust'] {
  if (connection === undefined) return 'system';
  if (connection.insecure) return 'insecure';
  if (connection.thumbprint !== null) return 'pinned';
  return connection.ca === null ? 'system' : 'ca';
}

/** What is left empty is left out: a password then stays what it was. */
export function toConnection(form: ConnectionForm): object {
  const { name, url, username, password, datacenter, trust, thumbprint, ca } = form;
  return {
    ...{ name, vcenter_url: url, username, insecure: trust === 'insecure' },
    ...(password !== '' && { password }),
    ...(datacenter.trim() !== '' && { datacenter }),
    ...(trust === 'pinned' && { thumbprint }),
    ...(trust === 'ca' && { ca }),
  };
}

export function connectionPath(name: string): string {
  return `/connections/${encodeURIComponent(name)}`;
}

const TEST_DEADLINE_MS = 60_000;

export function useTestConnection() {
  return useAction({
    run: (name: string) =>
      sendJson<{ readonly product: string; readonly vms: number | null }>(
        'POST',
        `${connectionPath(name)}/test`,
        undefined,
        { deadlineMs: TEST_DEADLINE_MS },
      ),
    done: ({ product, vms }) => MIGRATIONS.sources.tested(product, vms),
  });
}
