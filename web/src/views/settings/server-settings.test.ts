import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  EMPTY_SERVER,
  EMPTY_SOURCE,
  formToServer,
  placeOf,
  serverToForm,
} from './server-settings.ts';
import type { ServerSettings } from './server-settings.ts';

const CLUSTER: ServerSettings = {
  ...{ id: 'pve-1', name: 'Cluster', roles: ['app'], origin: 'api' },
  sources: [
    {
      ...{ kind: 'proxmox', url: 'https://10.0.0.6:8006', node: null, has_secret: true },
      ...{ insecure: false, thumbprint: 'ab'.repeat(32), ca: null },
    },
    { kind: 'local' },
  ],
};

describe('the form of a server', () => {
  it('keeps the secret that nobody is shown', () => {
    assert.deepEqual(formToServer(serverToForm(CLUSTER)), {
      ...{ id: 'pve-1', name: 'Cluster', roles: ['app'] },
      sources: [
        {
          ...{ kind: 'proxmox', url: 'https://10.0.0.6:8006', node: null, has_secret: true },
          thumbprint: 'ab'.repeat(32),
        },
        { kind: 'local' },
      ],
    });
  });

  it('sends what a kind of source has, and nothing of the others', () => {
    const source = { ...EMPTY_SOURCE, url: ' http://a:9100 ', instance: 'x', secret: 'token' };
    const form = { ...EMPTY_SERVER, id: 'web-1', sources: [source] };
    assert.deepEqual(formToServer(form), {
      ...{ id: 'web-1', name: 'web-1', roles: ['any'] },
      sources: [{ kind: 'exporter', url: 'http://a:9100', secret: 'token' }],
    });
  });

  it('says beside the field what the server has against it', () => {
    assert.deepEqual(placeOf('sources[2].url'), { source: 2, name: 'url' });
    assert.deepEqual(placeOf('id'), { source: undefined, name: 'id' });
    assert.equal(placeOf('roles'), undefined);
    assert.equal(placeOf('sources[0].kind'), undefined);
  });
});
