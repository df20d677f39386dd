import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAbilities } from './host-abilities.ts';

function capabilities(parts: {
  readonly domain?: string;
  readonly modes?: string;
  readonly os?: string;
  readonly tpm?: string;
}): string {
  return `<domainCapabilities><path>/usr/bin/qemu-system-x86_64</path>
    <domain>${parts.domain ?? 'kvm'}</domain><vcpu max='288'/>
    <os supported='yes'>${parts.os ?? ''}</os><cpu>${parts.modes ?? ''}</cpu>
    <devices>${parts.tpm ?? ''}</devices></domainCapabilities>`;
}

const HOST_MODE = "<mode name='host-passthrough' supported='yes'/>";
const MOST_MODE = "<mode name='maximum' supported='yes'/>";

function valuesNamed(name: string, ...values: readonly string[]): string {
  return `<enum name='${name}'>${values.map((one) => `<value>${one}</value>`).join('')}</enum>`;
}

describe('parseAbilities', () => {
  it('passes the CPU of the host through under KVM alone', () => {
    const cpuOf = (domain: string, modes: string) =>
      parseAbilities(capabilities({ domain, modes })).cpuMode;
    assert.equal(cpuOf('kvm', HOST_MODE + MOST_MODE), 'host-passthrough');
    assert.equal(cpuOf('qemu', HOST_MODE + MOST_MODE), 'maximum');
    assert.equal(cpuOf('qemu', HOST_MODE.replace('yes', 'no')), undefined);
  });

  it('finds Secure Boot only where there is firmware for it', () => {
    const secure = `<loader supported='yes'>${valuesNamed('secure', 'yes', 'no')}</loader>`;
    const firmwareOf = (os: string) => {
      const { hasEfi, hasSecureBoot } = parseAbilities(capabilities({ os }));
      return { hasEfi, hasSecureBoot };
    };
    const efi = valuesNamed('firmware', 'efi');
    assert.deepEqual(firmwareOf(efi + secure), { hasEfi: true, hasSecureBoot: true });
    assert.deepEqual(firmwareOf(secure), { hasEfi: false, hasSecureBoot: false });
    assert.deepEqual(firmwareOf(efi), { hasEfi: true, hasSecureBoot: false });
  });

  it('takes a TPM that is emulated, never the one of the host', () => {
    const tpmOf = (backend: string, versions = '') => {
      const model = valuesNamed('model', 'tpm-tis', 'tpm-crb') + versions;
      const tpm = `<tpm supported='yes'>${model}${valuesNamed('backendModel', backend)}</tpm>`;
      return parseAbilities(capabilities({ tpm })).tpmModel;
    };
    assert.equal(tpmOf('emulator'), 'tpm-crb');
    assert.equal(tpmOf('passthrough'), undefined);
    assert.equal(tpmOf('emulator', valuesNamed('backendVersion', '1.2', '2.0')), 'tpm-crb');
    assert.equal(tpmOf('emulator', valuesNamed('backendVersion', '1.2')), undefined);
  });

  it('refuses what it does not know', () => {
    for (const xml of ['<capabilities/>', capabilities({ domain: 'xen' })]) {
      assert.throws(() => parseAbilities(xml), { reason: 'LIBVIRT_UNREADABLE' });
    }
  });
});
