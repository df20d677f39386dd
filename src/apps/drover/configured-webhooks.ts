import { HttpWebhookSender } from '#backends/webhook-http/http-webhook-sender.ts';
import { createVmMetricsFormat } from '#surfaces/vm-metrics/webhooks/vm-metrics-format.ts';
import { openWebhooks, type Webhooks } from '#webhooks/open-webhooks.ts';
import type { MeasuringOptions } from './measuring.ts';
import { loadSecretBox } from './secret-key.ts';

export async function openConfiguredWebhooks(options: MeasuringOptions): Promise<Webhooks> {
  const { config, dataDir, hostId, clock, log, metrics, stores, eventSignal } = options;
  const { usagePctX100 } = config;
  const { allowPrivate } = config.webhooks;
  return await openWebhooks({
    ...{ clock, log, metrics, eventSignal },
    store: stores.webhooks,
    events: stores.events,
    formats: [createVmMetricsFormat({ usagePctX100 })],
    sender: new HttpWebhookSender({ policy: { allowPrivate }, clock }),
    secretBox: await loadSecretBox(dataDir),
    holder: hostId,
  });
}
