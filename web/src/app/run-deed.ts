/** Something done from the command palette, where no component is: it says itself how it went. */
import type { QueryKey } from '@tanstack/react-query';
import { toApiError } from '#web/api/api-error.ts';
import { queryClient } from '#web/api/query-client.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { addToast, type NewToast } from '#web/components/toast-store.ts';

export interface Deed {
  /** Answers what to say when it worked. */
  readonly run: () => Promise<string | NewToast>;
  /** What is asked for again, whether it worked or not. */
  readonly invalidates: readonly QueryKey[];
}

export async function runDeed({ run, invalidates }: Deed): Promise<void> {
  try {
    const said = await run();
    addToast(typeof said === 'string' ? { kind: 'ok', text: said } : said);
  } catch (thrown) {
    addToast({ kind: 'error', text: toApiError(thrown).message });
  }
  // What is offered next is what can be done then.
  const stale = [...invalidates, queryKeys.palette];
  await Promise.all(stale.map((queryKey) => queryClient.invalidateQueries({ queryKey })));
}
