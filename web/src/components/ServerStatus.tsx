/** How a server stands, in the words of its API. */
import type { ServerState } from '#web/api/server-shapes.ts';
import { OVERVIEW } from '#web/text/overview.ts';
import { Status } from './Status.tsx';

const KINDS = { online: 'ok', warning: 'warning', error: 'error', offline: 'error' } as const;

export function ServerStatus({ state }: { readonly state: ServerState }) {
  return <Status kind={KINDS[state]}>{OVERVIEW.states[state]}</Status>;
}
