/**
 * A sender of webhooks as a process of its own, told what to do over HTTP, each path answered when
 * it is done: `/queue/N` writes N events while delivery is paused, `/go` lets them be delivered,
 * `/plain/N/LOOPS/URL` posts N signed bodies in plain loops instead.
 */
import { createHmac } from 'node:crypto';
import { createServer, Agent, request } from 'node:http';
import { once } from 'node:events';
import { HttpWebhookSender } from '#backends/webhook-http/http-webhook-sender.ts';
import { EventSignal } from '#events/event-signal.ts';
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { SECRET_KEY_BYTES, SecretBox } from '#kernel/secret-box.ts';
import { createStores } from '#stores/create-stores.ts';
import { appendEvents } from '#stores/event-writer.ts';
import { openDatabase } from '#stores/open-database.ts';
import { createVmMetricsFormat } from '#surfaces/vm-metrics/webhooks/vm-metrics-format.ts';
import { openWebhooks } from '#webhooks/open-webhooks.ts';
import { everydaySnapshot, SECRET } from './webhook-payload.ts';

const [databaseUrl = '', receivers = ''] = process.argv.slice(2);
const clock = systemClock;
const database = await openDatabase({ url: databaseUrl, clock });
const eventSignal = new EventSignal();
const stores = createStores(database, { clock, eventSignal });
const format = createVmMetricsFormat({ usagePctX100: false });
const webhooks = await openWebhooks({
  ...{ store: stores.webhooks, events: stores.events, eventSignal, formats: [format] },
  sender: new HttpWebhookSender({ policy: { allowPrivate: true }, clock }),
  secretBox: new SecretBox(Buffer.alloc(SECRET_KEY_BYTES, 1)),
  ...{ holder: 'bench', clock, log: silentLog, metrics: new MetricsRegistry() },
});
const scope = { format: format.name, customerId: undefined };
for (const url of receivers.split(',').filter((each) => each !== '')) {
  await webhooks.service.register(scope, {
    ...{ url, eventTypes: ['metrics'], filter: {}, secret: SECRET, headers: {} },
    ...{ timeoutMs: undefined, maxAttempts: undefined, isEnabled: false },
  });
}

async function enable(isEnabled: boolean): Promise<void> {
  for (const { id } of await webhooks.service.list(scope)) {
    await webhooks.service.change(scope, id, { isEnabled });
  }
}

async function queue(count: number): Promise<void> {
  await enable(false);
  for (let left = count; left > 0; left -= 500) {
    const events = Array.from({ length: Math.min(500, left) }, () => ({
      ...{ kind: 'metrics.sampled' as const, machineId: undefined, customerId: undefined },
      ...{ instanceId: 'host-1', accountId: undefined, snapshot: everydaySnapshot },
    }));
    const at = clock.nowMs();
    await database.write((trx) => appendEvents(trx, database.dialect, { at, events }));
  }
}

/** Nothing is noted, nothing is guarded, nothing is tried again: as fast as Node sends them. */
async function sendPlainly(count: number, agent: Agent, url: string): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    const rendered = format.render({
      ...{ id: at, at: clock.nowMs() },
      event: {
        ...{ kind: 'metrics.sampled', machineId: undefined, customerId: undefined },
        ...{ instanceId: 'host-1', accountId: undefined, snapshot: everydaySnapshot },
      },
    });
    const body = rendered?.body ?? Buffer.alloc(0);
    const signature = createHmac('sha256', SECRET).update(body).digest('hex');
    const headers = {
      'content-type': 'application/json',
      'x-webhook-signature': signature,
      'content-length': body.length,
    };
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume().on('end', resolve);
    });
    sent.on('error', reject).end(body);
    await promise;
  }
}

async function sendInLoops(count: number, loops: number, url: string): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const each = Math.ceil(count / loops);
  await Promise.all(Array.from({ length: loops }, () => sendPlainly(each, agent, url)));
  agent.destroy();
}

async function work(path: string): Promise<void> {
  const [, word, count = '0', loops = '1', url = ''] = path.split('/').map(decodeURIComponent);
  if (word === 'queue') await queue(Number(count));
  if (word === 'go') await enable(true);
  if (word === 'plain') await sendInLoops(Number(count), Number(loops), url);
}

const orders = createServer((asked, answer) => {
  void work(asked.url ?? '').then(() => answer.end());
});
orders.listen(0, '127.0.0.1');
await once(orders, 'listening');
const address = orders.address();
const port = typeof address === 'object' ? address?.port : 0;
process.stdout.write(`webhooks ready http://127.0.0.1:${port}\n`);
process.stdin.resume().once('end', () => process.exit(0));
