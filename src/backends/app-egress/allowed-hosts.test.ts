import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeHost, type HostVerdict } from './allowed-hosts.ts';

const CASES: readonly (readonly [entry: string, url: string, verdict: HostVerdict])[] = [
  ['api.example.com', 'https://api.example.com/', 'named'],
  ['api.example.com', 'http://API.Example.com.:8080/', 'named'],
  ['api.example.com', 'https://example.com/', 'refused'],
  ['api.example.com', 'https://api.example.com.evil.test/', 'refused'],
  ['api.example.com', 'https://evil.test/api.example.com', 'refused'],
  ['api.example.com', 'https://api.example.com@evil.test/', 'refused'],
  ['api.example.com:443', 'https://api.example.com/', 'named'],
  ['api.example.com:443', 'http://api.example.com/', 'refused'],
  ['api.example.com:8080', 'http://api.example.com:8080/', 'named'],
  ['*.example.com', 'https://a.b.example.com/', 'covered'],
  ['*.example.com', 'https://example.com/', 'refused'],
  ['*.example.com', 'https://evil-example.com/', 'refused'],
  ['*.example.com:80', 'https://a.example.com/', 'refused'],
  ['*.0.0.1', 'http://127.0.0.1/', 'refused'],
  ['*', 'https://anything.test/', 'covered'],
  ['10.0.0.5', 'http://10.0.0.5/', 'named'],
  ['10.0.0.5', 'http://0x0a000005/', 'named'],
  ['10.0.0.5', 'http://10.0.0.50/', 'refused'],
  ['[fd00:0::5]', 'http://[fd00::5]/', 'named'],
  ['[fd00::5]:8080', 'http://[fd00::5]:8080/', 'named'],
  ['[fd00::5]:8080', 'http://[fd00::5]/', 'refused'],
  ['[::ffff:10.0.0.5]', 'http://[::ffff:a00:5]/', 'named'],
];

describe('a list of allowed hosts', () => {
  for (const [entry, url, verdict] of CASES) {
    it(`with ${entry} has ${url} ${verdict}`, () => {
      assert.equal(judgeHost(new URL(url), [entry]), verdict);
    });
  }

  it('that is empty has nothing', () => {
    assert.equal(judgeHost(new URL('https://example.com/'), []), 'refused');
  });

  it('takes the name before the pattern, in whatever order they stand', () => {
    const url = new URL('http://db.internal:5432/');
    assert.equal(judgeHost(url, ['db.internal:5432', '*']), 'named');
    assert.equal(judgeHost(url, ['*', 'db.internal:5432']), 'named');
    assert.equal(judgeHost(new URL('http://db.internal/'), ['*', 'db.internal:5432']), 'covered');
  });
});
