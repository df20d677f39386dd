/** What the settings of jobs and migrations come to. */
import { join } from 'node:path';
import { toDroverError } from '#kernel/errors.ts';
import { parseTimeZone } from '#schedules/time-zone.ts';
import type { ConfigReader } from './config-reader.ts';
import { SETTINGS } from './config-settings.ts';
import type { Entries } from './config-entries.ts';

export interface MigrationConfig {
  readonly slots: number;
  readonly perVcenter: number;
  readonly perSourceHost: number;
  readonly perDestination: number;
  readonly copies: number;
  /** Undefined: as much as there is. */
  readonly bytesPerSecond: number | undefined;
  readonly directories: readonly string[];
  readonly maxUploadBytes: number;
  /** Undefined: wherever programs are. */
  readonly nbdkit: string | undefined;
  /** Undefined: where nbdkit looks for it. */
  readonly vddkLibrary: string | undefined;
  /** They may hold secrets. */
  readonly webhooks: Entries;
  /** Undefined: the host's. */
  readonly timezone: string | undefined;
  /** What virsh, ssh and nbdkit are given of this process's environment. */
  readonly session: Readonly<Record<string, string>>;
}

export function readMigration(
  reader: ConfigReader,
  { dataDir, session }: { readonly dataDir: string; readonly session: MigrationConfig['session'] },
): MigrationConfig {
  const bytesPerSecond = reader.read(SETTINGS.migrationBandwidth);
  return {
    slots: reader.read(SETTINGS.jobsSlots),
    perVcenter: reader.read(SETTINGS.jobsPerVcenter),
    perSourceHost: reader.read(SETTINGS.jobsPerSourceHost),
    perDestination: reader.read(SETTINGS.jobsPerDestination),
    copies: reader.read(SETTINGS.migrationCopies),
    bytesPerSecond: bytesPerSecond === Infinity ? undefined : bytesPerSecond,
    directories: reader.read(SETTINGS.migrationDirectories) ?? [join(dataDir, 'migrations')],
    maxUploadBytes: reader.read(SETTINGS.migrationUploadSize),
    nbdkit: reader.read(SETTINGS.migrationNbdkit),
    vddkLibrary: reader.read(SETTINGS.migrationVddkLibrary),
    webhooks: reader.read(SETTINGS.migrationWebhooks),
    timezone: readTimezone(reader),
    session,
  };
}

function readTimezone(reader: ConfigReader): string | undefined {
  const timezone = reader.read(SETTINGS.schedulesTimezone);
  if (timezone === undefined) return undefined;
  try {
    return parseTimeZone(SETTINGS.schedulesTimezone.key, timezone);
  } catch (thrown) {
    const { message } = toDroverError(thrown);
    reader.refuse(SETTINGS.schedulesTimezone, message.replace(/^[^:]*: /, ''));
    return undefined;
  }
}
