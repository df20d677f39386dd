/** Who is signed in: `/api/session`, which keeps the token in a cookie that scripts cannot read. */
import { queryOptions, useQuery } from '@tanstack/react-query';
import { getJson, sendJson } from './http.ts';
import { queryClient } from './query-client.ts';
import { queryKeys } from './query-keys.ts';

export interface SignedIn {
  readonly authenticated: true;
  readonly dev_mode: boolean;
  readonly kind: 'operator' | 'customer';
  readonly name: string;
  readonly customer_id: string | null;
  readonly may_change: boolean;
}

export interface SignedOut {
  readonly authenticated: false;
  readonly dev_mode: boolean;
}

export type Session = SignedIn | SignedOut;

const PATH = '/api/session';
/** Good where Drover says that it takes development tokens, and nowhere else. */
export const DEV_TOKEN = 'dev_operator';

/** Whoever signed out on purpose is not signed in again behind their back. */
let signedOutHere = false;

async function readSession(): Promise<Session> {
  const session = await getJson<Session>(PATH);
  if (session.authenticated || !session.dev_mode || signedOutHere) return session;
  return await sendJson<Session>('POST', PATH, { token: DEV_TOKEN });
}

/** Asked before anything is drawn. */
export const sessionQuery = queryOptions({
  ...{ queryKey: queryKeys.session, queryFn: readSession, staleTime: 60_000 },
});

export function useSession() {
  return useQuery(sessionQuery);
}

/** Whether to show what changes something. Until that is known, no. */
export function useMayChange(): boolean {
  const { data } = useSession();
  return data?.authenticated === true && data.may_change;
}

/** Whether one sees all customers, and what belongs to none. Until that is known, no. */
export function useIsOperator(): boolean {
  const { data } = useSession();
  return data?.authenticated === true && data.kind === 'operator';
}

export async function signIn(token: string): Promise<void> {
  const session = await sendJson<Session>('POST', PATH, { token: token.trim() });
  signedOutHere = false;
  become(session);
}

export async function signOut(): Promise<void> {
  await sendJson('DELETE', PATH);
  signedOutHere = true;
  become(await getJson<Session>(PATH));
}

/** Nothing that one was shown is kept for another. */
function become(session: Session): void {
  queryClient.setQueryData(queryKeys.session, session);
  const [own] = queryKeys.session;
  queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== own });
}
