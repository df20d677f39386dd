import assert from 'node:assert/strict';
import { createHmac, type KeyObject } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { SignJWT } from 'jose';
import { FakeClock } from '#kernel/fake-clock.ts';
import { createJwtVerifier, type JwtOptions } from './jwt-verifier.ts';

const { signal } = new AbortController();
const ISSUER = 'https://login.example';
const AUDIENCE = 'drover';

function keyPair() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

const signing = keyPair();
const pem = pemOf(signing.publicKey);

function pemOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

function setUp(options: Partial<JwtOptions> = {}) {
  const clock = new FakeClock();
  const verifier = createJwtVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: { pem },
    clock,
    ...options,
  });
  const nowSeconds = clock.nowMs() / 1000;
  const sign = (claims: Record<string, unknown>, key = signing.privateKey, alg = 'ES256') =>
    new SignJWT({
      iss: ISSUER,
      aud: AUDIENCE,
      exp: nowSeconds + 60,
      sub: 'acme',
      ...claims,
    })
      .setProtectedHeader({ alg, kid: 'k1' })
      .sign(key);
  return { clock, verifier, sign, nowSeconds };
}

describe('a JWT', () => {
  it('of the issuer names its customer', async () => {
    const { verifier, sign } = setUp();
    assert.deepEqual(await verifier.verify(await sign({}), signal), {
      kind: 'customer',
      customerId: 'acme',
      via: 'jwt',
      scopes: ['customer'],
    });
  });

  const claims = [
    { claim: 'tenant', token: { tenant: 'globex' }, customer: 'globex' },
    { claim: 'org.id', token: { org: { id: 42 } }, customer: '42' },
    {
      claim: 'https://login.example/tenant',
      token: { 'https://login.example/tenant': 'initech' },
      customer: 'initech',
    },
  ];
  for (const { claim, token, customer } of claims) {
    it(`names the customer in the claim ${claim}`, async () => {
      const { verifier, sign } = setUp({ customerClaim: claim });
      const principal = await verifier.verify(await sign(token), signal);
      assert.equal(principal.kind === 'customer' && principal.customerId, customer);
    });
  }

  it('makes an operator of who holds the operator scope, and of nobody else', async () => {
    const { verifier, sign } = setUp();
    const kindOf = async (scope: unknown) =>
      (await verifier.verify(await sign({ scope }), signal)).kind;
    assert.equal(await kindOf('openid drover:operator'), 'operator');
    assert.equal(await kindOf(['drover:operator']), 'operator');
    assert.equal(await kindOf('drover:operators'), 'customer');
    assert.equal(await kindOf(true), 'customer');
  });

  const stranger = keyPair();
  const nowSeconds = new FakeClock().nowMs() / 1000;
  const refused = [
    { what: 'expired', claims: { exp: nowSeconds - 31 }, reason: 'TOKEN_EXPIRED' },
    { what: 'without an expiry', claims: { exp: undefined } },
    { what: 'for another audience', claims: { aud: 'other' } },
    { what: 'of another issuer', claims: { iss: 'https://evil.example' } },
    { what: 'not valid yet', claims: { nbf: nowSeconds + 60 } },
    { what: 'that names no customer', claims: { sub: '../../etc' } },
    { what: 'signed by a stranger', claims: {}, key: stranger.privateKey },
  ];
  for (const { what, claims: wrong, reason = 'INVALID_TOKEN', key } of refused) {
    it(`${what} is refused`, async () => {
      const { verifier, sign } = setUp();
      const token = await sign(wrong, key);
      await assert.rejects(verifier.verify(token, signal), { kind: 'unauthenticated', reason });
    });
  }

  it('may be off by the clock tolerance', async () => {
    const { verifier, sign } = setUp({ clockToleranceMs: 5000 });
    await verifier.verify(await sign({ exp: nowSeconds - 4 }), signal);
    const late = await sign({ exp: nowSeconds - 6 });
    await assert.rejects(verifier.verify(late, signal), { reason: 'TOKEN_EXPIRED' });
  });

  it('without a signature is refused', async () => {
    const { verifier, sign } = setUp();
    const [, payload] = (await sign({})).split('.');
    for (const alg of ['none', 'NONE']) {
      const token = `${base64url({ alg })}.${payload}.`;
      await assert.rejects(verifier.verify(token, signal), { kind: 'unauthenticated' });
    }
  });

  it('signed by HMAC with the public key as the secret is refused', async () => {
    const { verifier, sign } = setUp();
    const [, payload] = (await sign({})).split('.');
    const text = `${base64url({ alg: 'HS256' })}.${payload}`;
    const token = `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`;
    await assert.rejects(verifier.verify(token, signal), {
      kind: 'unauthenticated',
      message: /accepted algorithm/,
    });
  });

  it('is accepted under any of the keys in a PEM file', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const both = `${pemOf(rsa.publicKey)}${pemOf(stranger.publicKey)}${pem}`;
    const { verifier, sign } = setUp({ keys: { pem: both } });
    await verifier.verify(await sign({}), signal);
    await verifier.verify(await sign({}, stranger.privateKey), signal);
    await verifier.verify(await sign({}, rsa.privateKey, 'RS256'), signal);
  });
});

describe('a JWKS URL', () => {
  const jwk = { ...signing.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256' };

  it('serves the keys, and is asked once', async () => {
    let asked = 0;
    await using server = await openServer((_request, response) => {
      asked += 1;
      response.end(JSON.stringify({ keys: [jwk] }));
    });
    const { verifier, sign } = setUp({ keys: { jwksUrl: server.url } });
    await verifier.verify(await sign({}), signal);
    await verifier.verify(await sign({}), signal);
    assert.equal(asked, 1);
  });

  const broken: readonly [string, RequestListener][] = [
    ['answers 500', (_request, response) => response.writeHead(500).end()],
    ['answers what is not JSON', (_request, response) => response.end('<html>')],
    ['answers JSON that holds no keys', (_request, response) => response.end('{}')],
    ['hangs up', (request) => request.socket.destroy()],
    ['answers without end', (_request, response) => response.end('x'.repeat(2 ** 20 + 1))],
  ];
  for (const [what, listener] of broken) {
    it(`that ${what} makes it unavailable, not unauthenticated`, async () => {
      await using server = await openServer(listener);
      const { verifier, sign } = setUp({ keys: { jwksUrl: server.url } });
      await assert.rejects(verifier.verify(await sign({}), signal), {
        kind: 'unavailable',
        reason: 'JWKS_UNAVAILABLE',
      });
    });
  }

  it('that failed is left alone for a second, then asked again', async () => {
    let asked = 0;
    await using server = await openServer((_request, response) => {
      asked += 1;
      if (asked === 1) response.writeHead(503).end();
      else response.end(JSON.stringify({ keys: [jwk] }));
    });
    const { clock, verifier, sign } = setUp({ keys: { jwksUrl: server.url } });
    const token = await sign({});
    await assert.rejects(verifier.verify(token, signal), { kind: 'unavailable' });
    await assert.rejects(verifier.verify(token, signal), { kind: 'unavailable' });
    assert.equal(asked, 1);
    await clock.advance(1000);
    await verifier.verify(token, signal);
    assert.equal(asked, 2);
  });

  it('that hangs lets a caller go when its signal aborts', async () => {
    const asked = Promise.withResolvers<void>();
    await using server = await openServer(() => asked.resolve());
    const { verifier, sign } = setUp({ keys: { jwksUrl: server.url } });
    const caller = new AbortController();
    const verdict = verifier.verify(await sign({}), caller.signal);
    await Promise.all([
      assert.rejects(verdict, /gone/),
      asked.promise.then(() => caller.abort(new Error('gone'))),
    ]);
  });
});

describe('JWT settings', () => {
  for (const jwksUrl of [
    'http://login.example/keys',
    'ftp://login.example/keys',
    'keys.json',
    'https://user:secret@login.example/keys',
    'http://127.0.0.1.evil.example/keys',
  ]) {
    it(`with the JWKS URL ${jwksUrl} are refused`, () => {
      assert.throws(() => setUp({ keys: { jwksUrl } }), { kind: 'invalid_argument' });
    });
  }

  it('with no key, a private key or a broken one in the PEM text are refused', () => {
    const privatePem = signing.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const brokenPem = '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n';
    for (const text of ['', privatePem, brokenPem]) {
      assert.throws(() => setUp({ keys: { pem: text } }), { kind: 'invalid_argument' });
    }
  });
});

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

async function openServer(listener: RequestListener) {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    url: `http://127.0.0.1:${address.port}/keys`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
