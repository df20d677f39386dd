import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isErrorKind } from '#kernel/errors.ts';
import { parseReceiver, parseReceivers } from './receiver.ts';

const URL = 'https://metrics.example/api/v1/write';

describe('parseReceiver', () => {
  it('takes a URL alone, and names the receiver after its host', () => {
    assert.deepEqual(parseReceiver({ url: URL }, 'r'), {
      name: 'metrics-example',
      url: URL,
      auth: { kind: 'none' },
      headers: {},
      labels: {},
      keep: undefined,
      timeoutMs: 30_000,
    });
  });

  it('takes everything there is', () => {
    const receiver = parseReceiver(
      {
        name: 'mimir',
        url: URL,
        username: 'me',
        passwordFile: '/etc/drover/password',
        headers: { 'X-Scope-OrgID': 'team' },
        labels: { site: 'here' },
        keep: 'node_.*|up',
        timeoutMs: 5000,
      },
      'r',
    );
    assert.deepEqual(receiver.auth, {
      kind: 'basic',
      username: 'me',
      password: { kind: 'file', path: '/etc/drover/password' },
    });
    assert.deepEqual(receiver.labels, { site: 'here' });
    const kept = ['node_load1', 'up', 'upset', 'x_node_load1'].map((name) =>
      receiver.keep?.test(name),
    );
    assert.deepEqual(kept, [true, true, false, false]);
  });

  for (const [what, value, message] of [
    ['no map', 'http://x', /^r: must be a map/],
    ['another scheme', { url: 'ftp://x/' }, /^r\.url: must be an http or https URL/],
    ['no URL', {}, /^r\.url: must be/],
    ['a password in the URL', { url: 'http://a:b@x/' }, /^r\.url: must hold no password/],
    ['a name that is a path', { url: URL, name: '../x' }, /^r\.name: /],
    ['an unknown setting', { url: URL, bearerTokn: 'x' }, /did you mean bearerToken\?$/],
    ['a password without a name', { url: URL, password: 'x' }, /^r\.username: is missing/],
    ['a name without a password', { url: URL, username: 'x' }, /^r\.passwordFile: is missing/],
    ['two ways in', { url: URL, username: 'x', password: 'x', bearerToken: 'x' }, /not both/],
    ['a secret twice', { url: URL, bearerToken: 'x', bearerTokenFile: '/x' }, /not stand beside/],
    ['a relative file', { url: URL, bearerTokenFile: 'x' }, /must be an absolute path/],
    ['a token of two lines', { url: URL, bearerToken: 'x\r\ny' }, /on one line/],
    ['a reserved header', { url: URL, headers: { Host: 'x' } }, /headers\.Host: is decided by/],
    ['a header of two lines', { url: URL, headers: { A: 'x\r\nB: y' } }, /on one line/],
    ['a label of Prometheus itself', { url: URL, labels: { __x: 'y' } }, /labels\.__x: is no name/],
    ['a label that is a number', { url: URL, labels: { x: 1 } }, /labels\.x: must be text/],
    ['a broken expression', { url: URL, keep: '(' }, /^r\.keep: must be a regular expression/],
    ['no time', { url: URL, timeoutMs: 0 }, /^r\.timeoutMs: must be 100 to/],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parseReceiver(value, 'r'),
        (thrown: unknown) => {
          assert.ok(isErrorKind(thrown, 'invalid_argument'));
          assert.match(String(thrown).replace(/^DroverError: /, ''), message);
          return true;
        },
      );
    });
  }

  it('refuses two receivers of one name', () => {
    assert.throws(() => parseReceivers([{ url: URL }, { url: URL }], 'remoteWrite'), {
      message: 'remoteWrite[1].name: metrics-example is taken; give each its own name',
    });
  });
});
