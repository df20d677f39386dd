/** Whether the password for the one is meant for the other too: it must reach no other server. */
import type { JsonObject } from '#jobs/job.ts';
import { readSpec } from './migration-spec.ts';

export function hasSameLogin(former: JsonObject, spec: JsonObject): boolean {
  const [before, now] = [former, spec].map((each) => readSpec({ spec: each }).source);
  if (before?.kind !== 'vsphere' || now?.kind !== 'vsphere') return false;
  if (before.connection !== undefined || now.connection !== undefined) return false;
  return before.url === now.url && before.username === now.username;
}
