/** What the page knows of the server. Views ask by `useQuery`, and name it in query-keys.ts. */
import { MutationCache, QueryCache, QueryClient, onlineManager } from '@tanstack/react-query';
import { ApiError } from './api-error.ts';
import { connectivity } from './connectivity.ts';
import { queryKeys } from './query-keys.ts';

const MOST_RETRIES = 2;

function onError(thrown: unknown): void {
  // The session is over: asking for it again shows the way to sign in.
  if (thrown instanceof ApiError && thrown.isSignedOut) {
    void queryClient.invalidateQueries({ queryKey: queryKeys.session });
  }
}

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      staleTime: 2000,
      refetchOnWindowFocus: true,
      refetchOnReconnect: 'always',
      retry: (failures, thrown) => failures < MOST_RETRIES && isWorthRetrying(thrown),
    },
    // What was sent, passwords among it, is not kept.
    mutations: { networkMode: 'always', retry: false, gcTime: 0 },
  },
});

/**
 * While the server is away nothing is asked, and when it is back all that is shown is asked again.
 * The browser's own opinion of the network says nothing about a server on this host.
 */
onlineManager.setEventListener((setOnline) =>
  connectivity.store.subscribe(() => setOnline(connectivity.store.value.isOnline)),
);

function isWorthRetrying(thrown: unknown): boolean {
  if (!(thrown instanceof ApiError) || thrown.isOffline) return false;
  return thrown.facts.status === 503 || thrown.facts.status === 504;
}
