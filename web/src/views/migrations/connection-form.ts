/** What is typed of a connection, and what is sent of it. */
import { sendJson } from '#web/api/http.ts';
import { useAction } from '#web/api/use-action.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { EMPTY_LOGIN, loginToJson, type Login } from './login.ts';
import type { Connection } from './wire.ts';

export interface ConnectionForm extends Login {
  readonly name: string;
}

export function formOf(connection: Connection | undefined): ConnectionForm {
  if (connection === undefined) return { name: '', ...EMPTY_LOGIN };
  const { name, vcenter_url: url, username, datacenter, thumbprint, ca } = connection;
  return {
    ...{ name, url, username, password: '', datacenter: datacenter ?? '' },
    ...{ trust: trustOf(connection), thumbprint: thumbprint ?? '', ca: ca ?? '' },
  };
}

function trustOf({ insecure, thumbprint, ca }: Connection): Login['trust'] {
  if (insecure) return 'insecure';
  if (thumbprint !== null) return 'pinned';
  return ca === null ? 'system' : 'ca';
}

/** Said in any case, so that a change can take it back. */
export function toConnection({ name, ...login }: ConnectionForm): object {
  return { name, insecure: false, ...loginToJson(login) };
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
