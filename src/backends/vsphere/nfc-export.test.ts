import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:tls';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { createTestCertificates } from '#test/certificates.ts';
import { listening } from '#test/loopback-server.ts';
import type { SourceVmDisk } from '#transfers/source-vm.ts';
import { trustInHost } from './host-trust.ts';
import { pairDisks } from './nfc-export.ts';
import type { DeviceUrl } from './nfc-lease.ts';

const DISK: SourceVmDisk = {
  key: '2000',
  label: 'Hard disk 1',
  capacityBytes: 512,
  path: '[a] a.vmdk',
  datastore: 'a',
  bus: 'scsi',
  controller: 'pvscsi',
  position: 0,
  isThin: true,
  isRawDevice: false,
  isIndependent: false,
  isShared: false,
  isEncrypted: false,
  changeId: undefined,
};
const SECOND = { ...DISK, key: '2001', label: 'Hard disk 2', position: 1 };

function deviceOf(key: string, targetId: string, isDisk = true): DeviceUrl {
  const url = `https://*/nfc/1/${targetId}`;
  return { key, targetId, url, isDisk, thumbprint: undefined, certificate: undefined };
}

function pairsOf(...devices: DeviceUrl[]): string[] {
  return pairDisks([DISK, SECOND], devices).map(
    ({ disk, device }) => `${disk.key} ${device.targetId}`,
  );
}

describe('the disks of a lease', () => {
  it('are those of the VM by where they are, whatever their order', () => {
    const found = pairsOf(
      deviceOf('/vm-1/nvram', 'nvram', false),
      deviceOf('/vm-1/ParaVirtualSCSIController0:1', 'disk-0.vmdk'),
      deviceOf('/vm-1/ParaVirtualSCSIController0:0', 'disk-1.vmdk'),
    );
    assert.deepEqual(found, ['2000 disk-1.vmdk', '2001 disk-0.vmdk']);
  });

  it('are taken in their order where the lease does not say where they are', () => {
    const found = pairsOf(deviceOf('b', 'disk-10.vmdk'), deviceOf('a', 'disk-9.vmdk'));
    assert.deepEqual(found, ['2000 disk-9.vmdk', '2001 disk-10.vmdk']);
  });

  it('must be all there, and never a guess', () => {
    const first = deviceOf('/vm-1/ParaVirtualSCSIController0:0', 'disk-0.vmdk');
    const other = deviceOf('/vm-1/ParaVirtualSCSIController0:5', 'disk-1.vmdk');
    for (const devices of [[first], [first, other]]) {
      assert.throws(() => pairsOf(...devices), /does not export Hard disk 2/);
    }
  });
});

describe('the certificate of a host', () => {
  const certificates = createTestCertificates();
  const { cert } = certificates.server;
  const certificate = new X509Certificate(cert);
  const sha256 = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  const trust = { ca: undefined, thumbprint: 'ab', isInsecure: false };

  async function trustOf(named: Partial<DeviceUrl>, by = trust) {
    const server = createServer(certificates.server, (socket) => {
      // A client that looks and hangs up is no error here.
      socket.on('error', () => undefined).on('data', () => assert.fail('something was sent'));
    });
    await using host = await listening(server);
    const url = new URL(`https://127.0.0.1:${host.port}/nfc/1`);
    const device = { ...deviceOf('a', 'disk-0.vmdk'), ...named };
    const { signal } = new AbortController();
    return await trustInHost(url, device, { clock: systemClock, trust: by }, signal);
  }

  it('is pinned by what vCenter says of it', async () => {
    const pinned = { ca: undefined, thumbprint: sha256, isInsecure: false };
    assert.deepEqual(await trustOf({ thumbprint: certificate.fingerprint }), pinned);
    assert.deepEqual(await trustOf({ thumbprint: certificate.fingerprint256 }), pinned);
    assert.deepEqual(await trustOf({ certificate: cert }), pinned);
  });

  it('is refused when it is another than vCenter says', async () => {
    const other = new X509Certificate(certificates.ca.cert).fingerprint;
    await assert.rejects(trustOf({ thumbprint: other }), { reason: 'CERTIFICATE_UNTRUSTED' });
  });

  it('is judged by authorities when vCenter says nothing, and never by its pin', async () => {
    assert.deepEqual(await trustOf({}), { ...trust, thumbprint: undefined });
    const insecure = { ...trust, isInsecure: true };
    assert.deepEqual(await trustOf({}, insecure), insecure);
  });
});
