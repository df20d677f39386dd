/** The settings of jobs, and of the migrations that are done by them. */
import { entriesKind, type Entries } from './config-entries.ts';
import { GIB, MIB } from '#kernel/units.ts';
import { optional, setting } from './setting.ts';
import {
  anyText,
  pathKind,
  pathListKind,
  sizeKind,
  unlimitedKind,
  wholeKind,
} from './config-values.ts';

export const MIGRATION_SETTINGS = {
  jobsSlots: setting('jobs.slots', {
    kind: wholeKind(1, 1000),
    fallback: 10,
    doc: 'The most jobs that this process runs at the same time.',
  }),
  jobsPerVcenter: setting('jobs.perVcenter', {
    kind: wholeKind(1, 1000),
    fallback: 8,
    doc: 'The most jobs at the same time that read from one vCenter, of all processes.',
  }),
  jobsPerSourceHost: setting('jobs.perSourceHost', {
    kind: wholeKind(1, 1000),
    fallback: 4,
    doc: 'The most jobs at the same time that read from one ESXi host, of all processes.',
  }),
  jobsPerDestination: setting('jobs.perDestination', {
    kind: wholeKind(1, 1000),
    fallback: 8,
    doc: 'The most jobs at the same time that write to one destination, of all processes.',
  }),
  migrationCopies: setting('migration.copies', {
    kind: wholeKind(1, 64),
    fallback: 4,
    doc:
      'The most disks that this process copies at the same time, each in a thread that has ' +
      'another beside it, with about 40 MB.',
  }),
  migrationBandwidth: setting('migration.bandwidth', {
    kind: unlimitedKind(sizeKind(MIB / 16)),
    fallback: Infinity,
    doc: 'How many bytes a second all disks that this process copies or sends on take together.',
  }),
  migrationDirectories: setting<readonly string[] | undefined>('migration.directories', {
    kind: pathListKind,
    fallback: undefined,
    fallbackDoc: 'DATA/migrations',
    doc: 'Folders of the host that jobs may read images from, and write to.',
  }),
  migrationUploadSize: setting('migration.uploadSize', {
    kind: sizeKind(MIB),
    fallback: 1024 * GIB,
    doc: 'The longest file that may be uploaded to be migrated from.',
  }),
  migrationNbdkit: setting('migration.nbdkit', {
    kind: optional(pathKind),
    fallback: undefined,
    fallbackDoc: 'wherever programs are',
    doc: 'The nbdkit that reads disks through VDDK.',
  }),
  migrationVddkLibrary: setting('migration.vddkLibrary', {
    kind: optional(pathKind),
    fallback: undefined,
    fallbackDoc: 'where nbdkit looks for it',
    doc: "The folder of VMware's VDDK, vmware-vix-disklib-distrib, which has lib64 in it.",
  }),
  migrationWebhooks: setting<Entries>('migration.webhooks', {
    kind: entriesKind('a list of webhooks, each with a url'),
    fallback: [],
    fallbackDoc: 'none',
    doc: 'Webhooks of jobs and schedules, beside those that are added by the API.',
  }),
  schedulesTimezone: setting('schedules.timezone', {
    kind: optional(anyText),
    fallback: undefined,
    fallbackDoc: "the host's",
    doc: 'The time zone of schedules that name none, such as Europe/Berlin.',
  }),
} as const;
