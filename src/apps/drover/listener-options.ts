/** What all listeners of a process have in common. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '#kernel/clock.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { OpenListenerOptions } from '#surfaces/edge/listener.ts';
import type { Logger } from '#surfaces/edge/logger.ts';
import type { Config } from './config.ts';

interface Surroundings {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
}

export async function listenerOptions(
  config: Config,
  { clock, log, metrics }: Surroundings,
): Promise<Omit<OpenListenerOptions, 'port' | 'build'>> {
  const { tls, host, drainMs } = config;
  const common = { host, clock, log, metrics, limits: { drainMs } };
  if (tls === undefined) return common;
  return {
    ...common,
    tls: {
      cert: await readFile(tls.certFile, 'utf8'),
      key: await readFile(tls.keyFile, 'utf8'),
      ...(tls.clientCaFile === undefined
        ? {}
        : { clientCa: await readFile(tls.clientCaFile, 'utf8') }),
    },
  };
}
