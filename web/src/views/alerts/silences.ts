/** Silences: `/api/v1/silences`. What they match is shown, and told to nobody for a while. */
import { useQuery } from '@tanstack/react-query';
import type { Alert } from '#web/api/alerts.ts';
import { labelsToMatchers } from '#web/api/history.ts';
import { getJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';

export interface Silence {
  readonly id: string;
  readonly match: readonly string[];
  readonly until: string;
  readonly comment: string;
  readonly created_by: string;
}

export const SILENCES_PATH = '/api/v1/silences';
export const SILENCE_TIMES = ['1h', '4h', '1d', '7d'] as const;
const EVERY_MS = 5000;

export function useSilences(enabled: boolean) {
  return useQuery({
    queryKey: queryKeys.silences,
    queryFn: ({ signal }) =>
      getJson<{ readonly silences: readonly Silence[] }>(SILENCES_PATH, { signal }),
    refetchInterval: EVERY_MS,
    enabled,
  });
}

/** It is told to whom it concerns, and so can be silenced. */
export function isLoud({ silenced_until: until }: Alert): boolean {
  return until === null;
}

/** Of this alert and, while its rule and labels are the same, of no other. */
export function matchersOf({ rule_name: rule, labels }: Alert): readonly string[] {
  return labelsToMatchers({ ...labels, rule });
}
