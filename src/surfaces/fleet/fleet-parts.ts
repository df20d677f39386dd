/** What the routes of this surface stand on, made once by the composition root. */
import type { Authenticator } from '#access/authenticator.ts';
import type { Principal } from '#access/principal.ts';
import type { Fleet } from '#fleet/fleet.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';

export interface FleetParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly fleet: Pick<
    Fleet,
    | 'list'
    | 'find'
    | 'withRole'
    | 'counts'
    | 'onChange'
    | 'revision'
    | 'settled'
    | 'isSettled'
    | 'intervalMs'
  >;
  readonly access: {
    readonly authenticator: Pick<Authenticator, 'authenticate'>;
    /** Whom a caller without a token is taken for; undefined refuses such callers. */
    readonly anonymous: Principal | undefined;
  };
  /** How many sockets may follow at the same time. */
  readonly maxSockets: number;
}
