import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseServer, parseServerChanges, parseServers } from './parse-server.ts';

const EXPORTER = { kind: 'exporter', url: 'http://web-1:9100/' };

function serverWith(changes: object): object {
  return { id: 'web-1', sources: [EXPORTER], ...changes };
}

describe('parseServer', () => {
  it('takes an id and a source, and fills in the rest', () => {
    const { id, name, roles, sources } = parseServer(serverWith({}));
    assert.deepEqual([id, name, roles], ['web-1', 'web-1', ['any']]);
    assert.deepEqual(sources, [
      {
        spec: {
          ...{ kind: 'exporter', url: 'http://web-1:9100', sealedSecret: undefined },
          trust: { ca: undefined, thumbprint: undefined, isInsecure: false },
        },
        secret: { kind: 'kept', isExpected: false },
      },
    ]);
  });

  it('takes every kind of source, with its secret apart', () => {
    const https = { url: 'https://X.test:8006', insecure: true };
    const { sources } = parseServer(
      serverWith({
        roles: ['app', 'storage', 'app'],
        sources: [
          { kind: 'local' },
          { kind: 'prometheus', instance: 'web-1:9100', url: 'http://p:9090/prom', secret: 'a:b' },
          { kind: 'proxmox', node: 'pve1', secret: 'ada@pam!drover=1-2', ...https },
          { kind: 'proxmox', node: null, thumbprint: null, secret: '', ...https },
          { kind: 'qdrant', has_secret: true, ...https },
        ],
      }),
    );
    assert.deepEqual(
      sources.map(({ secret }) => secret),
      [
        { kind: 'none' },
        { kind: 'given', text: 'a:b' },
        { kind: 'given', text: 'ada@pam!drover=1-2' },
        { kind: 'none' },
        { kind: 'kept', isExpected: true },
      ],
    );
    assert.deepEqual(sources[2]?.spec, {
      ...{ kind: 'proxmox', node: 'pve1', url: 'https://x.test:8006', sealedSecret: undefined },
      trust: { ca: undefined, thumbprint: undefined, isInsecure: true },
    });
  });

  const refused: readonly (readonly [what: string, server: object, text: RegExp])[] = [
    ['no id', serverWith({ id: undefined }), /^the server cannot be taken: id: must be up to 63/],
    ['an id in capitals', serverWith({ id: 'Web' }), /id: must be .*lower-case.*, not "Web"/],
    ['an id that is a path', serverWith({ id: 'overview' }), /id: means something else/],
    ['a mistyped key', serverWith({ role: ['ai'] }), /"role": is unknown; did you mean roles\?/],
    ['an unknown role', serverWith({ roles: ['aii'] }), /roles\[0\]: must be one of ai, app/],
    ['an empty name', serverWith({ name: ' ' }), /name: must be a text of 1 to 100 letters/],
    ['no source', serverWith({ sources: [] }), /sources: must be a list of 1 to 8 sources/],
    [
      'nine sources',
      serverWith({ sources: Array.from({ length: 9 }, () => EXPORTER) }),
      /sources: must be a list of at most 8 entries/,
    ],
    [
      'a mistyped kind',
      serverWith({ sources: [{ kind: 'exportr', url: 'http://x' }] }),
      /: sources\[0\]\.kind: must be one of local, exporter, .*, not "exportr"$/,
    ],
    [
      'a key of another kind',
      serverWith({ sources: [{ ...EXPORTER, instance: 'x' }] }),
      /sources\[0\]\.instance: is not for sources of kind exporter/,
    ],
    [
      'a Prometheus without an instance',
      serverWith({ sources: [{ kind: 'prometheus', url: 'http://p' }] }),
      /sources\[0\]\.instance: is missing; it must be the label instance/,
    ],
    [
      'a token of another form',
      serverWith({ sources: [{ kind: 'proxmox', url: 'https://p:8006', secret: 'hunter2' }] }),
      /sources\[0\]\.secret: must be an API token in the form USER@REALM!TOKENID=SECRET$/,
    ],
    [
      'a certificate to judge over http',
      serverWith({ sources: [{ ...EXPORTER, insecure: true }] }),
      /sources\[0\]\.url: must begin with https:\/\//,
    ],
    [
      'a thumbprint that is none',
      serverWith({ sources: [{ kind: 'qdrant', url: 'https://q', thumbprint: 'zz' }] }),
      /sources\[0\]\.thumbprint: must be a SHA-256/,
    ],
  ];
  for (const [what, server, text] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseServer(server), { kind: 'invalid_argument', message: text });
    });
  }

  for (const url of ['http://ada:hunter2@x', 'ftp://x', 'x:9100', 'http://x?token=hunter2']) {
    it(`refuses ${url} for a URL without quoting it`, () => {
      const body = serverWith({ sources: [{ kind: 'exporter', url }] });
      assert.throws(
        () => parseServer(body),
        ({ message }: Error) => {
          assert.match(message, /sources\[0\]\.url: must be an http/);
          assert.doesNotMatch(message, /hunter2/);
          return true;
        },
      );
    });
  }
});

describe('parseServerChanges', () => {
  it('leaves undefined what is not said, and lets what was answered be sent back', () => {
    const changes = parseServerChanges({ id: 'x', origin: 'api', created_at: null, name: 'X' });
    assert.deepEqual(changes, { name: 'X', roles: undefined, sources: undefined });
  });
});

describe('parseServers', () => {
  it('tells all that is wrong with the places of it', () => {
    const entries = [serverWith({}), serverWith({}), 7, serverWith({ id: 'b', nme: 'x' })];
    assert.throws(() => parseServers(entries, 'servers'), {
      message:
        /servers\[1\]\.id: web-1 is .* already; servers\[2\]: must be .*servers\[3\]\."nme": /,
    });
  });
});
