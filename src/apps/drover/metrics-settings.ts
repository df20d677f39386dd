/** The settings of measuring, keeping and telling, which the agent has too. */
import { entriesKind, type Entries } from './config-entries.ts';
import { DAY_MS, HOUR_MS, MIB, MINUTE_MS, SECOND_MS, GIB } from '#kernel/units.ts';
import {
  anyText,
  durationKind,
  enumKind,
  sizeKind,
  switchKind,
  textKind,
  wordListKind,
} from './config-values.ts';
import { optional, setting } from './setting.ts';

const ACCESSES = ['auto', 'open', 'token'] as const;
const PRIVATE_ADDRESSES = ['auto', 'allow', 'refuse'] as const;

const measuring = {
  instanceId: setting('instanceId', {
    kind: optional(anyText),
    fallback: undefined,
    fallbackDoc: 'the name of the host',
    doc: 'What this host is called in /get, and the label instance of what is kept.',
  }),
  accountId: setting('accountId', {
    kind: optional(anyText),
    fallback: undefined,
    doc: 'Whose host this is, as shown in /get.',
  }),
  usagePctX100: setting('usagePctX100', {
    kind: switchKind,
    fallback: false,
    doc: 'In /get, show CPU usage times 100 and 0 for what is unknown, as the original does.',
  }),
  metricsInterval: setting('metrics.interval', {
    kind: durationKind(100, HOUR_MS),
    fallback: SECOND_MS,
    doc: 'How often everything is measured.',
  }),
  metricsWithout: setting('metrics.without', {
    kind: wordListKind,
    fallback: [],
    fallbackDoc: 'none',
    doc: 'Collectors that are switched off, such as hwmon,cgroup.',
  }),
  metricsPerCore: setting('metrics.perCore', {
    kind: switchKind,
    fallback: false,
    doc: 'Also measure the usage of each processor by itself.',
  }),
  metricsJob: setting('metrics.job', {
    kind: textKind('a text that is not empty', /\S/),
    fallback: 'drover',
    doc: 'The label job of everything that is kept or sent on.',
  }),
  metricsAccess: setting('metrics.access', {
    kind: enumKind(ACCESSES),
    fallback: 'auto',
    doc:
      'Who may read metrics and set webhooks: open is anyone who reaches the port, token needs ' +
      'one. auto is open where dev tokens are accepted.',
  }),
  historyRaw: setting('history.raw', {
    kind: durationKind(10 * MINUTE_MS, 366 * DAY_MS),
    fallback: DAY_MS,
    doc: 'How long every sample is kept.',
  }),
  historyMinutes: setting('history.minutes', {
    kind: durationKind(HOUR_MS, 3660 * DAY_MS),
    fallback: 30 * DAY_MS,
    doc: 'How long one value a minute is kept, with least, most and mean.',
  }),
  historyQuarters: setting('history.quarters', {
    kind: durationKind(HOUR_MS, 3660 * DAY_MS),
    fallback: 400 * DAY_MS,
    doc: 'How long one value each 15 minutes is kept.',
  }),
  historyMaxSize: setting('history.maxSize', {
    kind: sizeKind(16 * MIB),
    fallback: 2 * GIB,
    doc: 'The most that history may take. Beyond it the oldest goes first.',
  }),
} as const;

const telling = {
  rules: setting<Entries>('rules', {
    kind: entriesKind('a list of threshold rules'),
    fallback: [],
    fallbackDoc: 'the built-in rules alone',
    doc: 'Threshold rules beside the built-in ones, or instead of those of the same name.',
  }),
  webhooksPrivate: setting('webhooks.privateAddresses', {
    kind: enumKind(PRIVATE_ADDRESSES),
    fallback: 'auto',
    doc:
      'Whether webhooks may go to loopback and private addresses. auto allows it while the ' +
      'server itself listens on loopback only.',
  }),
  webhooksMetricsInterval: setting('webhooks.metricsInterval', {
    kind: durationKind(SECOND_MS, DAY_MS),
    fallback: 30 * SECOND_MS,
    doc: 'How often webhooks for the event type metrics are called.',
  }),
  remoteWrite: setting<Entries>('remoteWrite', {
    kind: entriesKind('a list of receivers, each with a url'),
    fallback: [],
    fallbackDoc: 'none',
    doc: 'Prometheus-compatible stores that are sent every sample.',
  }),
} as const;

export const METRICS_SETTINGS = { ...measuring, ...telling } as const;
