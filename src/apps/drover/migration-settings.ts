/** The settings of jobs, and of the migrations that are done by them. */
import { GIB, MIB } from '#kernel/units.ts';
import { optional, setting } from './setting.ts';
import { anyText, pathListKind, sizeKind, unlimitedKind, wholeKind } from './config-values.ts';

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
    doc: 'The most disks that this process copies at the same time, each in a thread.',
  }),
  migrationBandwidth: setting('migration.bandwidth', {
    kind: unlimitedKind(sizeKind(MIB / 16)),
    fallback: Infinity,
    doc: 'How many bytes a second all copies of this process may read together.',
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
  schedulesTimezone: setting('schedules.timezone', {
    kind: optional(anyText),
    fallback: undefined,
    fallbackDoc: "the host's",
    doc: 'The time zone of schedules that name none, such as Europe/Berlin.',
  }),
} as const;
