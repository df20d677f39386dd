import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { text as readText } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { silentLog } from '#kernel/log.ts';
import { xmlNode } from '#kernel/xml-writer.ts';
import { createTestCertificates } from '#test/certificates.ts';
import { listening, openServer, type LoopbackServer } from '#test/loopback-server.ts';
import type { HttpTrust } from '#kernel/http-trust.ts';
import { operation } from './managed-object.ts';
import { SoapClient } from './soap-client.ts';
import { VSphereFault } from './vsphere-fault.ts';

const certificates = createTestCertificates();
const certificate = new X509Certificate(certificates.server.cert);
const thumbprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
const NOBODY: HttpTrust = { ca: undefined, thumbprint: undefined, isInsecure: false };
const CA: HttpTrust = { ...NOBODY, ca: certificates.ca.cert };
const SIGNAL = new AbortController().signal;
const READ = { isIdempotent: true };
const CHANGE = { isIdempotent: false };
const ASK = operation('Ask', { type: 'Thing', id: 'thing-1' }, xmlNode('word', {}, 'a<b&c'));

type Answer = (response: ServerResponse) => void;

interface Server extends LoopbackServer {
  readonly requests: { readonly headers: IncomingMessage['headers']; readonly body: string }[];
}

/** Answers one after the other; the last one again and again. */
async function openSoapServer(...answers: Answer[]): Promise<Server> {
  const requests: Server['requests'] = [];
  const { cert, key } = certificates.server;
  const server = createServer({ cert, key }, (request, response) => {
    void readText(request).then((body) => {
      const answer = answers[Math.min(requests.length, answers.length - 1)];
      requests.push({ headers: request.headers, body });
      answer?.(response);
    });
  });
  return Object.assign(await listening(server), { requests });
}

function soap(body: string, status = 200): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'text/xml', 'set-cookie': COOKIES });
    response.end(
      '<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" ' +
        `xmlns:t="http://www.w3.org/2001/XMLSchema-instance"><e:Body>${body}</e:Body></e:Envelope>`,
    );
  };
}

const COOKIES = ['other=1', 'vmware_soap_session="4f2a"; Path=/; HttpOnly; Secure'];
const FINE = soap('<AskResponse xmlns="urn:vim25"><returnval>yes</returnval></AskResponse>');
const reset: Answer = (response) => void response.destroy();
const busy: Answer = (response) => void response.writeHead(503).end('not now');

function fault(type: string, details = ''): Answer {
  const detail = `<detail><${type}Fault t:type="v:${type}">${details}</${type}Fault></detail>`;
  return soap(`<e:Fault><faultstring>It is ${type}.</faultstring>${detail}</e:Fault>`, 500);
}

function clientOf(server: LoopbackServer, trust = CA): SoapClient {
  const url = new URL(`${server.url.replace('http:', 'https:').replace('plain:', 'http:')}/sdk`);
  return new SoapClient({ url, trust, clock: systemClock, log: silentLog, firstRetryMs: 1 });
}

async function refusalOf(asking: Promise<unknown>): Promise<DroverError> {
  const thrown = await asking.then(
    () => assert.fail('it was answered'),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof DroverError, String(thrown));
  return thrown;
}

describe('SoapClient', () => {
  it('posts an operation and answers the element of the response', async () => {
    await using server = await openSoapServer(FINE);
    using client = clientOf(server);
    const answer = await client.call(ASK, READ, SIGNAL);
    assert.equal(answer.name, 'AskResponse');
    assert.equal(answer.textOf('returnval'), 'yes');
    const [request] = server.requests;
    assert.equal(request?.headers['soapaction'], '"urn:vim25/6.5"');
    assert.equal(request?.headers['content-type'], 'text/xml; charset=utf-8');
    const wanted = '<Ask xmlns="urn:vim25"><_this type="Thing">thing-1</_this><word>a&lt;b&amp;c<';
    assert.ok(request?.body.includes(wanted), request?.body);
  });

  it('keeps the cookie of the session, and no other', async () => {
    await using server = await openSoapServer(FINE);
    using client = clientOf(server);
    await client.call(ASK, READ, SIGNAL);
    await client.call(ASK, CHANGE, SIGNAL);
    const cookies = server.requests.map(({ headers }) => headers.cookie);
    assert.deepEqual(cookies, [undefined, 'vmware_soap_session="4f2a"']);
  });

  it('throws faults by their names, with the privilege that is missing', async () => {
    await using server = await openSoapServer(
      fault('InvalidPowerState'),
      fault('NoPermission', '<privilegeId>VApp.Export</privilegeId>'),
      fault('SomethingNew'),
    );
    using client = clientOf(server);
    const first = await refusalOf(client.call(ASK, READ, SIGNAL));
    assert.ok(first instanceof VSphereFault && first.fault === 'InvalidPowerState');
    assert.equal(first.kind, 'failed_precondition');
    assert.equal(first.reason, 'VSPHERE_INVALID_POWER_STATE');
    assert.equal(first.message, 'vSphere refused Ask: It is InvalidPowerState (InvalidPowerState)');
    const second = await refusalOf(client.call(ASK, READ, SIGNAL));
    assert.equal(second.kind, 'permission_denied');
    assert.match(second.message, /lacks the privilege VApp.Export/);
    assert.equal((await refusalOf(client.call(ASK, READ, SIGNAL))).kind, 'failed_precondition');
    assert.equal(server.requests.length, 3);
  });

  for (const [what, trouble] of Object.entries({ 'a reset': reset, 'a 503': busy })) {
    it(`repeats after ${what} what may be done twice, and nothing else`, async () => {
      await using server = await openSoapServer(trouble, trouble, FINE, trouble);
      using client = clientOf(server);
      assert.equal((await client.call(ASK, READ, SIGNAL)).textOf('returnval'), 'yes');
      assert.equal(server.requests.length, 3);
      const refusal = await refusalOf(client.call(ASK, CHANGE, SIGNAL));
      assert.equal(refusal.kind, 'unavailable');
      assert.equal(server.requests.length, 4);
      assert.equal((await refusalOf(client.call(ASK, READ, SIGNAL))).kind, 'unavailable');
      assert.equal(server.requests.length, 8);
    });
  }

  it('repeats even a change when no connection came about', async () => {
    const server = await openSoapServer(FINE);
    await server[Symbol.asyncDispose]();
    using client = clientOf(server);
    const refusal = await refusalOf(client.call(ASK, CHANGE, SIGNAL));
    assert.equal(refusal.kind, 'unavailable');
    assert.match(refusal.message, /refused/);
    assert.equal(client.calls, 4);
  });

  it('sends nothing to a server whose certificate is not to be trusted', async () => {
    const others = { ...NOBODY, thumbprint: '00'.repeat(32) };
    for (const trust of [NOBODY, others]) {
      await using server = await openSoapServer(FINE);
      using client = clientOf(server, trust);
      const refusal = await refusalOf(client.call(ASK, READ, SIGNAL));
      assert.equal(refusal.reason, 'CERTIFICATE_UNTRUSTED');
      assert.equal(refusal.metadata['thumbprint'], thumbprint);
      assert.deepEqual(server.requests, []);
      assert.equal(client.calls, 1);
    }
  });

  it('trusts by CA, by thumbprint, or blindly when told to', async () => {
    for (const trust of [CA, { ...NOBODY, thumbprint }, { ...NOBODY, isInsecure: true }]) {
      await using server = await openSoapServer(FINE);
      using client = clientOf(server, trust);
      assert.equal((await client.call(ASK, READ, SIGNAL)).textOf('returnval'), 'yes');
    }
  });

  it('refuses a certificate that is trusted, but of another name', async () => {
    const server = createServer(certificates.ca, () => assert.fail('something was sent'));
    await using listener = await listening(server);
    using client = clientOf(listener);
    const refusal = await refusalOf(client.call(ASK, READ, SIGNAL));
    assert.equal(refusal.reason, 'CERTIFICATE_UNTRUSTED');
    assert.match(refusal.message, /ALTNAME/);
  });

  it('speaks without TLS to a server on this host', async () => {
    await using server = await openServer((_request, response) => FINE(response));
    using client = clientOf({ ...server, url: server.url.replace('http:', 'plain:') });
    assert.equal((await client.call(ASK, READ, SIGNAL)).textOf('returnval'), 'yes');
  });

  it('says that a web page is no vSphere', async () => {
    await using server = await openSoapServer(
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello<br>'),
      (response) => response.writeHead(404).end(),
      (response) => response.writeHead(302, { location: '/ui' }).end(),
    );
    using client = clientOf(server);
    for (let count = 1; count <= 3; count += 1) {
      assert.equal((await refusalOf(client.call(ASK, READ, SIGNAL))).reason, 'NOT_VSPHERE');
      assert.equal(server.requests.length, count);
    }
  });

  it('takes XML that breaks off for an answer that was lost', async () => {
    const cut: Answer = (response) => void response.end('<?xml version="1.0"?><e:Envelope xmlns');
    await using server = await openSoapServer(cut, FINE, cut);
    using client = clientOf(server);
    assert.equal((await client.call(ASK, READ, SIGNAL)).textOf('returnval'), 'yes');
    const refusal = await refusalOf(client.call(ASK, CHANGE, SIGNAL));
    assert.equal(refusal.reason, 'VSPHERE_BAD_ANSWER');
    assert.equal(server.requests.length, 3);
  });

  it('ends a call at its time, and when it is told to', async () => {
    await using server = await openSoapServer(() => undefined);
    using client = clientOf(server);
    const late = await refusalOf(client.call(ASK, { ...READ, timeoutMs: 20 }, SIGNAL));
    assert.equal(late.kind, 'deadline_exceeded');
    const stop = new AbortController();
    const asking = client.call(ASK, READ, stop.signal);
    stop.abort(new Error('stop'));
    await assert.rejects(asking, /stop/);
  });

  it('puts no part of a request into what it throws', async () => {
    const secret = 'Pass & <word>';
    const login = operation('Login', { type: 'S', id: 's' }, xmlNode('password', {}, secret));
    await using server = await openSoapServer(fault('Odd'), reset, busy, (response) => {
      response.end('<a>');
    });
    using client = clientOf(server);
    for (let count = 0; count < 4; count += 1) {
      const refusal = await refusalOf(client.call(login, CHANGE, SIGNAL));
      const shown = JSON.stringify([refusal.message, refusal.metadata, refusal.context]);
      assert.ok(!shown.includes('Pass') && !String(refusal.stack).includes('Pass'));
    }
  });
});
