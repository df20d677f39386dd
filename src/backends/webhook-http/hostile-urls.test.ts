/** Addresses that a stranger may try to reach through this server, however they are written. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import type { NameResolver } from '#kernel/guarded-lookup.ts';
import { parseWebhookUrl } from '#webhooks/webhook-rules.ts';
import { HttpWebhookSender } from './http-webhook-sender.ts';

/** `never`: whatever the setting. `private`: by default only from a server on the loopback. */
type Expected = 'never' | 'private' | 'public' | 'malformed';

const URLS: readonly (readonly [url: string, expected: Expected])[] = [
  // Plain.
  ['http://93.184.216.34/', 'public'],
  ['https://[2606:2800:220:1:248:1893:25c8:1946]/hook', 'public'],
  ['http://example.com/', 'public'],
  ['http://127.0.0.1/', 'private'],
  ['http://127.255.255.254:8080/', 'private'],
  ['http://10.1.2.3/', 'private'],
  ['http://172.16.0.1/', 'private'],
  ['http://172.31.255.255/', 'private'],
  ['http://172.32.0.1/', 'public'],
  ['http://192.168.0.1/', 'private'],
  ['http://100.64.0.1/', 'private'],
  ['http://localhost/', 'private'],
  ['http://LOCALHOST./', 'private'],
  ['http://any.localhost:81/', 'private'],
  ['http://[::1]/', 'private'],
  ['http://[fd12:3456::1]/', 'private'],
  ['http://0.0.0.0/', 'never'],
  ['http://0.1.2.3/', 'never'],
  ['http://169.254.0.1/', 'never'],
  ['http://224.0.0.1/', 'never'],
  ['http://255.255.255.255/', 'never'],
  ['http://250.1.1.1/', 'never'],
  ['http://192.0.2.7/', 'never'],
  ['http://198.18.0.1/', 'never'],
  ['http://[::]/', 'never'],
  ['http://[fe80::1]/', 'never'],
  ['http://[fec0::1]/', 'never'],
  ['http://[ff02::1]/', 'never'],
  ['http://[2001:db8::1]/', 'never'],
  ['http://[100::1]/', 'never'],
  // Metadata services.
  ['http://169.254.169.254/latest/meta-data/', 'never'],
  ['http://[fd00:ec2::254]/latest/meta-data/', 'never'],
  ['http://[fd20:ce::254]/', 'never'],
  ['http://100.100.100.200/', 'never'],
  ['http://168.63.129.16/', 'never'],
  // One address in other clothes.
  ['http://2130706433/', 'private'],
  ['http://0x7f000001/', 'private'],
  ['http://017700000001/', 'private'],
  ['http://127.1/', 'private'],
  ['http://127.0.1/', 'private'],
  ['http://0x7f.0.0.1/', 'private'],
  ['http://0177.0.0.1/', 'private'],
  ['http://127.0.0.1./', 'private'],
  ['http://0/', 'never'],
  ['http://2852039166/', 'never'],
  ['http://0xa9fea9fe/', 'never'],
  ['http://0251.0376.0251.0376/', 'never'],
  ['http://169.254.43518/', 'never'],
  ['http://１６９.２５４.１６９.２５４/', 'never'],
  ['http://①②⑦.0.0.1/', 'private'],
  ['http://169。254。169。254/', 'never'],
  ['http://%31%36%39.254.169.254/', 'never'],
  ['http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/', 'private'],
  // IPv4 within IPv6.
  ['http://[::ffff:169.254.169.254]/', 'never'],
  ['http://[::ffff:a9fe:a9fe]/', 'never'],
  ['http://[0:0:0:0:0:ffff:7f00:1]/', 'private'],
  ['http://[::ffff:93.184.216.34]/', 'public'],
  ['http://[::169.254.169.254]/', 'never'],
  ['http://[::ffff:0:169.254.169.254]/', 'never'],
  ['http://[64:ff9b::a9fe:a9fe]/', 'never'],
  ['http://[64:ff9b::7f00:1]/', 'private'],
  ['http://[64:ff9b::5db8:d822]/', 'public'],
  ['http://[64:ff9b:1::1]/', 'never'],
  ['http://[2002:a9fe:a9fe::1]/', 'never'],
  ['http://[2002:7f00:1::]/', 'private'],
  // Teredo: the client is 169.254.169.254, then 127.0.0.1, with every bit turned over.
  ['http://[2001:0:5db8:d822::5601:5601]/', 'never'],
  ['http://[2001:0:5db8:d822::80ff:fffe]/', 'private'],
  ['http://[2606:2800::5efe:a9fe:a9fe]/', 'never'],
  // Tricks with what is a URL.
  ['http://user@127.0.0.1/', 'malformed'],
  ['http://example.com@169.254.169.254/', 'malformed'],
  ['http://:secret@example.com/', 'malformed'],
  ['http://169.254.169.254#@example.com/', 'malformed'],
  ['http://127.0.0.1\\@example.com/', 'private'],
  ['http:///169.254.169.254/', 'never'],
  ['http:169.254.169.254/', 'malformed'],
  ['//169.254.169.254/', 'malformed'],
  ['ftp://example.com/', 'malformed'],
  ['file:///etc/passwd', 'malformed'],
  ['gopher://127.0.0.1:6379/_', 'malformed'],
  ['javascript:alert(1)', 'malformed'],
  ['unix:/var/run/docker.sock', 'malformed'],
  ['http://', 'malformed'],
  ['http://[::1', 'malformed'],
  ['http://[fe80::1%25eth0]/', 'malformed'],
  ['http://256.256.256.256/', 'malformed'],
  ['http://1.2.3.4.5/', 'malformed'],
  ['http://exa mple.com/', 'malformed'],
  ['http://exa\tmple.com/', 'malformed'],
  [' http://example.com/', 'malformed'],
  ['http://example.com:99999/', 'malformed'],
];

const nowhere: NameResolver = () => Promise.resolve([]);

function senderOf(allowPrivate: boolean): HttpWebhookSender {
  return new HttpWebhookSender({ policy: { allowPrivate }, clock: systemClock, resolve: nowhere });
}

function isAccepted(url: string, allowPrivate: boolean): boolean {
  const sender = senderOf(allowPrivate);
  try {
    parseWebhookUrl(url, 'url', (parsed) => sender.refusalOf(parsed));
    return true;
  } catch (thrown) {
    assert.ok(thrown instanceof Error && thrown.message.startsWith('url: '), String(thrown));
    return false;
  }
}

describe('a URL to register', () => {
  assert.ok(URLS.length >= 40);
  for (const [url, expected] of URLS) {
    it(`${JSON.stringify(url)} is ${expected}`, () => {
      const accepted = { open: isAccepted(url, true), strict: isAccepted(url, false) };
      assert.deepEqual(accepted, {
        open: expected === 'public' || expected === 'private',
        strict: expected === 'public',
      });
    });
  }
});

describe('a URL that came into the database all the same', () => {
  const { signal } = new AbortController();
  const refused = URLS.filter(([, expected]) => expected === 'never' || expected === 'private');
  for (const [url, expected] of refused) {
    it(`${JSON.stringify(url)} is not called`, async () => {
      await using sender = senderOf(expected === 'never');
      const request = { url, headers: {}, body: Buffer.from('{}'), timeoutMs: 1000 };
      const outcome = await sender.send(request, signal);
      assert.ok(outcome.kind === 'failed');
      assert.match(outcome.error, /^the URL leads to .* (?:never called|does not call)$/);
    });
  }
});
