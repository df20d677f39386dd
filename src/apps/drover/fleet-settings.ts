/** The settings of the servers that are watched. */
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { entriesKind, type Entries } from './config-entries.ts';
import { durationKind, switchKind, wholeKind } from './config-values.ts';
import { setting } from './setting.ts';

/** A listener has so many for all surfaces together: edge-limits.ts. */
const MOST_SOCKETS = 8000;

export const FLEET_SETTINGS = {
  servers: setting<Entries>('servers', {
    kind: entriesKind('a list of servers, each with an id and sources'),
    fallback: [],
    fallbackDoc: 'none: this host',
    doc: 'The servers that are watched, beside those that are added by the API.',
  }),
  fleetInterval: setting('fleet.interval', {
    kind: durationKind(SECOND_MS, 5 * MINUTE_MS),
    fallback: 5 * SECOND_MS,
    doc: 'How often each source of a server is asked. This host is asked as often as measured.',
  }),
  fleetMaxSockets: setting('fleet.maxSockets', {
    kind: wholeKind(1, MOST_SOCKETS),
    fallback: 2000,
    doc: 'How many may follow servers over a WebSocket at the same time, pages included.',
  }),
  fleetLargestFile: setting('fleet.largestFile', {
    kind: switchKind,
    fallback: false,
    doc: 'Whether to look for the largest file of each local filesystem of this host, slowly.',
  }),
} as const;
