/**
 * A program that writes numbered events and delivers them until it is killed. It prints each
 * number once its event is committed. Arguments: the database, the first number, and how many to
 * write.
 */
import { setImmediate } from 'node:timers/promises';
import { HttpWebhookSender } from '#backends/webhook-http/http-webhook-sender.ts';
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { openStoresAt } from '#test/contract/databases.ts';
import { emit, testFormat, testSecretBox, thresholdEvent } from '#test/webhook-fixture.ts';
import { openWebhooks } from '#webhooks/open-webhooks.ts';

const [url = '', first = '', count = ''] = process.argv.slice(2);
const stores = await openStoresAt(url);
await openWebhooks({
  ...{ store: stores.webhooks, events: stores.events, eventSignal: stores.eventSignal },
  ...{ formats: [testFormat], secretBox: testSecretBox, holder: 'host-1' },
  sender: new HttpWebhookSender({ policy: { allowPrivate: true }, clock: systemClock }),
  ...{ clock: systemClock, log: silentLog, metrics: new MetricsRegistry() },
});
for (let at = Number(first); at < Number(first) + Number(count); at += 1) {
  await emit(stores, systemClock.nowMs(), [thresholdEvent({ ruleId: String(at) })]);
  process.stdout.write(`${at}\n`);
  // SQLite answers without ever waiting; the deliveries need their turn.
  await setImmediate();
}
