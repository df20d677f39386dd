import { join } from 'node:path';
import type { Labels } from '#metrics/labels.ts';
import type { RemoteWrite } from '#metrics/remote-write/remote-write.ts';
import type { MeasuringOptions } from './measuring.ts';

/** Undefined when nobody is to be sent anything; then none of it is loaded either. */
export async function openConfiguredRemoteWrite(
  { config, dataDir, clock, log, metrics, version }: MeasuringOptions,
  commonLabels: Labels,
): Promise<(AsyncDisposable & Pick<RemoteWrite, 'onTick' | 'health'>) | undefined> {
  if (config.remoteWrite.length === 0) return undefined;
  const { parseReceivers } = await import('#metrics/remote-write/receiver.ts');
  const { RemoteWrite } = await import('#metrics/remote-write/remote-write.ts');
  const { HttpRemoteWrite } = await import('#backends/remote-write/http-remote-write.ts');
  const receivers = parseReceivers(config.remoteWrite, 'remoteWrite');
  const http = new HttpRemoteWrite({ userAgent: `Drover/${version}` });
  const remoteWrite = new RemoteWrite({
    ...{ receivers, commonLabels, clock, log, metrics },
    directory: join(dataDir, 'remote-write'),
    send: (receiver, body, signal) => http.send(receiver, body, signal),
  });
  return {
    onTick: (tick, table) => remoteWrite.onTick(tick, table),
    health: () => remoteWrite.health(),
    async [Symbol.asyncDispose]() {
      await remoteWrite[Symbol.asyncDispose]();
      http[Symbol.dispose]();
    },
  };
}
