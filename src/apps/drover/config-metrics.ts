/** What the settings of measuring come to, with every `auto` decided. */
import { isLoopback } from './config-addresses.ts';
import type { ConfigReader } from './config-reader.ts';
import { SETTINGS } from './config-settings.ts';
import type { Entries } from './config-entries.ts';

export interface MetricsConfig {
  /** Undefined: the name of the host. */
  readonly instanceId: string | undefined;
  readonly accountId: string | undefined;
  readonly usagePctX100: boolean;
  readonly intervalMs: number;
  /** Names of collectors that are switched off. */
  readonly without: readonly string[];
  readonly perCore: boolean;
  readonly job: string;
  /** Whether who has no token may read and set everything about metrics. */
  readonly isOpen: boolean;
  readonly history: {
    readonly rawMs: number;
    readonly minutesMs: number;
    readonly quartersMs: number;
    readonly maxBytes: number;
  };
  readonly rules: Entries;
  readonly remoteWrite: Entries;
  readonly webhooks: {
    readonly allowPrivate: boolean;
    readonly metricsIntervalMs: number;
  };
}

export function readMetrics(
  reader: ConfigReader,
  { host, isDev }: { readonly host: string; readonly isDev: boolean },
): MetricsConfig {
  const access = reader.read(SETTINGS.metricsAccess);
  const privateAddresses = reader.read(SETTINGS.webhooksPrivate);
  return {
    instanceId: reader.read(SETTINGS.instanceId),
    accountId: reader.read(SETTINGS.accountId),
    usagePctX100: reader.read(SETTINGS.usagePctX100),
    intervalMs: reader.read(SETTINGS.metricsInterval),
    without: reader.read(SETTINGS.metricsWithout),
    perCore: reader.read(SETTINGS.metricsPerCore),
    job: reader.read(SETTINGS.metricsJob),
    isOpen: access === 'open' || (access === 'auto' && isDev),
    history: {
      rawMs: reader.read(SETTINGS.historyRaw),
      minutesMs: reader.read(SETTINGS.historyMinutes),
      quartersMs: reader.read(SETTINGS.historyQuarters),
      maxBytes: reader.read(SETTINGS.historyMaxSize),
    },
    rules: reader.read(SETTINGS.rules),
    remoteWrite: reader.read(SETTINGS.remoteWrite),
    webhooks: {
      allowPrivate:
        privateAddresses === 'allow' || (privateAddresses === 'auto' && isLoopback(host)),
      metricsIntervalMs: reader.read(SETTINGS.webhooksMetricsInterval),
    },
  };
}
