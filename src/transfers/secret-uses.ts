/** Which secrets a migration needs, and who gets each: it must reach no other server. */
import type { JsonObject } from '#jobs/job.ts';
import { readSpec } from './migration-spec.ts';

export interface SecretUse {
  readonly name: 'password' | 'token';
  /** What requests call it. */
  readonly field: string;
  readonly place: string;
}

export function secretUsesOf(spec: JsonObject): readonly SecretUse[] {
  const { source, destination } = readSpec({ spec });
  const isAddress = source.kind === 'vsphere' && source.connection === undefined;
  const remote = destination.kind === 'drover' ? destination.remote : undefined;
  return [
    ...(isAddress
      ? [
          {
            ...({ name: 'password', field: 'source.password' } as const),
            place: `${source.url} ${source.username}`,
          },
        ]
      : []),
    ...(remote === undefined
      ? []
      : [{ name: 'token', field: 'destination.token', place: remote.url } as const]),
  ];
}
