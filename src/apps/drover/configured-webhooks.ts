import { HttpWebhookSender } from '#backends/webhook-http/http-webhook-sender.ts';
import { createVmMetricsFormat } from '#surfaces/vm-metrics/webhooks/vm-metrics-format.ts';
import { openWebhooks, type Webhooks } from '#webhooks/open-webhooks.ts';
import { AppWebhookSender } from './app-webhook-sender.ts';
import type { MeasuringOptions } from './measuring.ts';
import { loadSecretBox } from './secret-key.ts';

export async function openConfiguredWebhooks(options: MeasuringOptions): Promise<Webhooks> {
  const { config, dataDir, hostId, clock, log, metrics, stores, eventSignal } = options;
  const { apps, formats = [] } = options;
  const { usagePctX100 } = config;
  const { allowPrivate } = config.webhooks;
  const http = new HttpWebhookSender({ policy: { allowPrivate }, clock });
  return await openWebhooks({
    ...{ clock, log, metrics, eventSignal },
    store: stores.webhooks,
    events: stores.events,
    formats: [
      createVmMetricsFormat({ usagePctX100 }),
      ...formats,
      ...(apps === undefined ? [] : [apps.format]),
    ],
    sender: apps === undefined ? http : new AppWebhookSender({ ...apps, others: http, clock }),
    secretBox: await loadSecretBox(dataDir),
    holder: hostId,
  });
}
