/** The settings of the servers that are watched. */
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { entriesKind, type Entries } from './config-entries.ts';
import { durationKind, switchKind } from './config-values.ts';
import { setting } from './setting.ts';

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
  fleetLargestFile: setting('fleet.largestFile', {
    kind: switchKind,
    fallback: false,
    doc: 'Whether to look for the largest file of each local filesystem of this host, slowly.',
  }),
} as const;
