/**
 * Both signatures, checked by code that shares nothing with Drover: the documented recipe over the
 * raw bytes of the connection, openssl, and the package of Standard Webhooks as the receiver.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { HttpWebhookSender } from '#backends/webhook-http/http-webhook-sender.ts';
import { systemClock } from '#kernel/clock.ts';
import { openReceiver, type Received } from '#test/webhook-receiver.ts';
import { WebhookEngineFixture } from '#test/webhook-engine-fixture.ts';
import { sampleEvent, thresholdEvent } from '#test/webhook-fixture.ts';

async function received(secret: string | undefined): Promise<Received> {
  const sender = new HttpWebhookSender({ policy: { allowPrivate: true }, clock: systemClock });
  await using receiver = await openReceiver();
  await using engine = await WebhookEngineFixture.open({ sender, clock: systemClock });
  await engine.register({ url: receiver.url, secret });
  await engine.emit(thresholdEvent({ message: 'ünïcödé 🦊 "quoted" \\ and \u2028' }));
  return await receiver.next();
}

function headerOf({ headers }: Received, name: string): string {
  const value = headers[name];
  assert.equal(typeof value, 'string', name);
  return String(value);
}

describe('a signature', () => {
  const secrets = ['my_secret', 'p@ss wörd 🦊', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'];

  for (const secret of secrets) {
    it(`under ${secret} is right for the raw bytes of the body`, async () => {
      const message = await received(secret);
      const signature = headerOf(message, 'x-webhook-signature');
      assert.equal(signature, createHmac('sha256', secret).update(message.body).digest('hex'));
      const options = { input: message.body, encoding: 'utf8' } as const;
      const args = ['dgst', '-sha256', '-hmac', secret];
      assert.equal(execFileSync('openssl', args, options).trim().split(' ').at(-1), signature);
    });

    it(`under ${secret} passes the way the document checks it`, async () => {
      const message = await received(secret);
      const payload: unknown = JSON.parse(message.body.toString());
      const hmac = createHmac('sha256', secret);
      const expected = hmac.update(JSON.stringify(payload)).digest('hex');
      assert.equal(headerOf(message, 'x-webhook-signature'), expected);
    });

    it(`under ${secret} is accepted by the package of Standard Webhooks`, async () => {
      const message = await received(secret);
      const key = secret.startsWith('whsec_')
        ? secret
        : `whsec_${Buffer.from(secret).toString('base64')}`;
      const headers = Object.fromEntries(
        ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [
          name,
          headerOf(message, name),
        ]),
      );
      const text = message.body.toString();
      const verified = new StandardWebhook(key).verify(text, headers);
      assert.deepEqual(verified, JSON.parse(text));
      const forged = text.replace('host-1', 'host-2');
      assert.throws(() => new StandardWebhook(key).verify(forged, headers), /signature/);
    });
  }

  it('of a plain ASCII secret is accepted in the raw format of that package too', async () => {
    const message = await received('my_secret');
    const receiver = new StandardWebhook('my_secret', { format: 'raw' });
    receiver.verify(message.body.toString(), message.headers as Record<string, string>);
  });

  it('is not there when no secret was given', async () => {
    const { headers } = await received(undefined);
    assert.deepEqual(
      Object.keys(headers)
        .filter((name) => name.includes('webhook'))
        .toSorted(),
      ['webhook-id', 'webhook-timestamp', 'x-webhook-event'],
    );
  });
});

describe('a request', () => {
  it('has each documented header exactly once, over a real connection', async () => {
    const sender = new HttpWebhookSender({ policy: { allowPrivate: true }, clock: systemClock });
    await using receiver = await openReceiver();
    await using engine = await WebhookEngineFixture.open({ sender, clock: systemClock });
    await engine.register({ url: receiver.url, secret: 's', headers: { 'X-Own': 'mine' } });
    await engine.emit(sampleEvent());
    const { rawHeaders, method, headers, body } = await receiver.next();
    const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
    assert.equal(new Set(names).size, names.length);
    assert.equal(method, 'POST');
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['user-agent'], 'Form-VM-Metrics-Webhook');
    assert.equal(headers['x-webhook-event'], 'metrics');
    assert.equal(headers['x-own'], 'mine');
    assert.equal(Number(headers['content-length']), body.length);
  });
});
