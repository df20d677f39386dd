/** What fires, or soon may: `/api/v1/alerts`. */
import { useQuery } from '@tanstack/react-query';
import { getJson } from './http.ts';
import { queryKeys } from './query-keys.ts';

export interface Alert {
  readonly rule_id: string;
  readonly rule_name: string;
  readonly state: 'pending' | 'firing';
  readonly severity: 'info' | 'warning' | 'critical';
  /** The metric, or the expression, that is compared. */
  readonly subject: string;
  readonly comparison: string;
  readonly threshold: number;
  readonly value: number | null;
  readonly since: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly description: string;
  /** It is told to nobody until then. */
  readonly silenced_until: string | null;
}

export interface AlertPage {
  readonly alerts: readonly Alert[];
  readonly total_count: number;
}

const EVERY_MS = 2000;
const MOST = 1000;

export function useAlerts() {
  return useQuery({
    queryKey: queryKeys.alerts,
    queryFn: ({ signal }) =>
      getJson<AlertPage>('/api/v1/alerts', { query: { page_size: MOST }, signal }),
    refetchInterval: EVERY_MS,
  });
}

/** Of a rule there is one for each of its series. */
export function alertKey({ rule_id: rule, labels }: Alert): string {
  return `${rule} ${JSON.stringify(labels)}`;
}

/** Which server it is about; of this host it is the label that all its series have. */
export function serverOfAlert({ labels }: Alert): string | undefined {
  return labels['server'] ?? labels['instance'];
}

/** What tells its series from others of the rule: not where it is from. */
export function labelsOfAlert({ labels }: Alert): string {
  const { server: _server, instance: _instance, job: _job, ...own } = labels;
  return Object.entries(own)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
