/** The settings of the worker pool and of the apps that run in it. */
import { entriesKind, type Entries } from './config-entries.ts';
import { GIB, MIB, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { GRANTS, type Grant } from '#workers/worker-app.ts';
import {
  choiceListKind,
  pathListKind,
  shareOrSizeKind,
  sizeKind,
  switchKind,
  textKind,
  wholeKind,
  durationKind,
  type ShareOrSize,
} from './config-values.ts';
import { optional, setting } from './setting.ts';

const pool = {
  workersSize: setting('workers.size', {
    kind: wholeKind(1, 10_000),
    fallback: 500,
    doc: 'The most workers of all apps together.',
  }),
  workersMemory: setting<ShareOrSize>('workers.memory', {
    kind: shareOrSizeKind,
    fallback: { kind: 'share', share: 0.5 },
    doc: 'How much memory all workers may take together; fewer run when it is reached.',
  }),
  workersWarm: setting('workers.warm', {
    kind: wholeKind(0, 100),
    fallback: 2,
    doc: 'Processes kept ready for any app, as soon as there is one.',
  }),
  workersThreads: setting('workers.threads', {
    kind: wholeKind(1, 64),
    fallback: 2,
    doc: "The most threads for the platform's own heavy work.",
  }),
  workersFirstUid: setting('workers.firstUid', {
    kind: wholeKind(1000, 2_000_000_000, 'UID'),
    fallback: 590_000,
    doc: 'When Drover is root each worker runs as a user of its own, numbered from here on.',
  }),
} as const;

const apps = {
  appsAllow: setting<readonly Grant[]>('apps.allow', {
    kind: choiceListKind(GRANTS),
    fallback: [],
    fallbackDoc: 'none',
    doc: 'What manifests may ask for beyond their own files.',
  }),
  appsDirectories: setting<readonly string[] | undefined>('apps.directories', {
    kind: pathListKind,
    fallback: undefined,
    fallbackDoc: 'none',
    doc: 'Folders of the host that manifests may ask to read or write.',
  }),
  appsPrivate: setting('apps.privateAddresses', {
    kind: switchKind,
    fallback: false,
    doc: 'Whether apps may call private addresses that their manifests name.',
  }),
  appsMaxMemory: setting('apps.maxMemory', {
    kind: sizeKind(64 * MIB),
    fallback: GIB,
    doc: 'The most memory that a manifest may ask for one worker.',
  }),
  appsMaxUpload: setting('apps.maxUpload', {
    kind: sizeKind(MIB),
    fallback: 100 * MIB,
    doc: 'The longest archive that can be deployed.',
  }),
  appsLogSize: setting('apps.logSize', {
    kind: sizeKind(64 * 1024),
    fallback: 10 * MIB,
    doc: "How much of each app's log is kept, twice over.",
  }),
  appsDomain: setting('apps.domain', {
    kind: optional(textKind('a domain', /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/, 'DOMAIN')),
    fallback: undefined,
    doc: 'Serves the app NAME at the host NAME.DOMAIN too.',
  }),
  appsHosts: setting<Entries>('apps.hosts', {
    kind: entriesKind('a list of {host, app}'),
    fallback: [],
    fallbackDoc: 'none',
    doc: 'Host names at which apps are served, such as {host: shop.example.com, app: shop@1}.',
  }),
  sseInterval: setting('poolMetrics.sseInterval', {
    kind: durationKind(100, MINUTE_MS),
    fallback: SECOND_MS,
    doc: "How often the pool's metrics are pushed to who listens.",
  }),
} as const;

export const WORKERS_SETTINGS = { ...pool, ...apps } as const;
