import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, fromJson, type MessageInitShape } from '@bufbuild/protobuf';
import { VmConfigSchema, type NetworkMode } from '#gen/vmprovisioner/v1/vm_pb.js';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { isCustomerId, isMachineId } from '#kernel/ids.ts';
import type { ImageCatalog } from '#machines/hypervisor.ts';
import type { MachineSpec } from '#machines/machine-spec.ts';
import { parseVmConfig } from './parse-vm-config.ts';

type Config = MessageInitShape<typeof VmConfigSchema>;

const MIB = 1048576n;
const machineId = checked('web-1', isMachineId);
const customerId = checked('acme', isCustomerId);

function checked<T extends string>(text: string, isRight: (text: string) => text is T): T {
  assert.ok(isRight(text));
  return text;
}

/** Finds every path it is asked for, unless `missing` is in it, and remembers the questions. */
function createCatalog(): ImageCatalog & { readonly asked: string[] } {
  const asked: string[] = [];
  const resolveFile = (field: string, path: string) => {
    asked.push(`${field} ${path}`);
    if (path.includes('missing')) throw invalidArgument(field, `there is no file ${path}`);
    return Promise.resolve(`/real${path}`);
  };
  return {
    asked,
    resolveFile: async (field, path) => await resolveFile(field, path),
    resolveDisk: async (field, path) => ({
      realPath: await resolveFile(field, path),
      format: path.endsWith('.qcow2') ? 'qcow2' : 'raw',
      sizeBytes: 4096,
      isOwn: path.includes(`/customers/${customerId}/`),
    }),
  };
}

const SMALL: Config = {
  cpu: { vcpuCount: 2 },
  memory: { sizeBytes: 256n * MIB },
  boot: { kernelPath: '/assets/vmlinuz' },
  storage: [{ id: 'root', path: '/assets/root.img', isRootDevice: true }],
};

async function parse(changes: Config = {}, images = createCatalog()): Promise<MachineSpec> {
  const context = { images, customerId, machineId, machineType: 'microvm' } as const;
  const config = create(VmConfigSchema, Object.assign({}, SMALL, changes));
  return (await parseVmConfig(config, context)).spec;
}

async function refusal(changes: Config, images = createCatalog()): Promise<string> {
  try {
    await parse(changes, images);
  } catch (thrown) {
    assert.ok(thrown instanceof DroverError);
    assert.equal(thrown.kind, 'invalid_argument');
    return thrown.message;
  }
  return assert.fail('it was accepted');
}

describe('parseVmConfig', () => {
  it('fills in every default', async () => {
    const { given, ...spec } = await parse();
    assert.ok(given !== undefined);
    assert.deepEqual(spec, {
      cpu: { vcpus: 2, maxVcpus: 2, topology: undefined, template: undefined, features: {} },
      memoryMib: 256,
      boot: {
        kind: 'kernel',
        machineType: 'microvm',
        kernelPath: '/real/assets/vmlinuz',
        initrdPath: undefined,
        kernelArgs: '',
      },
      disks: [
        {
          id: 'root',
          path: '/real/assets/root.img',
          givenPath: '/assets/root.img',
          format: 'raw',
          sizeBytes: 4096,
          isReadOnly: false,
          isRoot: true,
          writeMode: 'overlay',
        },
      ],
      nics: [],
      console: { isEnabled: true, type: 'serial', outputFile: undefined },
      metadata: {},
    });
  });

  it('means the same whichever of the two names is used', async () => {
    const original = await parse({
      storage: [{ id: 'root', path: '/assets/r.qcow2', readOnly: true, isRootDevice: true }],
      network: [{ id: 'eth0', macAddress: '02:00:00:00:00:01', interfaceType: 'virtio-net' }],
      console: { consoleType: 'virtio-console', output: 'guest.log' },
    });
    const documented = await parse({
      storage: [
        { deviceId: 'root', pathOnHost: '/assets/r.qcow2', isReadOnly: true, isRootDevice: true },
      ],
      network: [{ interfaceId: 'eth0', guestMac: '02:00:00:00:00:01', type: 'TAP' }],
      console: { type: 'VIRTIO_CONSOLE', outputFile: '/tmp/guest.log' },
    });
    assert.deepEqual({ ...documented, given: 0 }, { ...original, given: 0 });
  });

  it('looks at no file before everything else is right', async () => {
    const images = createCatalog();
    await refusal({ metadata: { '': 'x' }, boot: { kernelPath: '/missing' } }, images);
    assert.deepEqual(images.asked, []);
  });

  it('asks the catalog by the names that the caller used', async () => {
    const images = createCatalog();
    await parse(
      {
        boot: { kernelPath: '/k', initrdPath: '/i' },
        storage: [
          { deviceId: 'root', pathOnHost: '/r', isRootDevice: true },
          { id: 'data', path: '/d' },
        ],
      },
      images,
    );
    assert.deepEqual(images.asked, [
      'config.boot.kernel_path /k',
      'config.boot.initrd_path /i',
      'config.storage[0].path_on_host /r',
      'config.storage[1].path /d',
    ]);
  });

  it('lets the disk boot by itself when a firmware is named', async () => {
    const spec = await parse({ boot: { bootOptions: { firmware: 'uefi' } } });
    assert.deepEqual(spec.boot, { kind: 'firmware', machineType: 'q35', firmware: 'uefi' });
    const microvm = { boot: { bootOptions: { firmware: 'bios', machine: 'microvm' } } };
    assert.match(await refusal(microvm), /^config\.boot\.boot_options\.machine: must be q35/);
  });

  it('takes the devices that guests without drivers for virtio know, on q35', async () => {
    const devices = {
      storage: [
        { id: 'root', path: '/assets/root.img', isRootDevice: true, interfaceType: 'sata' },
      ],
      network: [{ id: 'a', interfaceType: 'e1000e' }, { id: 'b', type: 'E1000' }, { id: 'c' }],
    };
    const boot = { bootOptions: { firmware: 'uefi' } };
    const { disks, nics } = await parse({ ...devices, boot });
    assert.deepEqual(
      [disks[0]?.bus, nics.map(({ model }) => model)],
      ['sata', ['e1000e', 'e1000', undefined]],
    );
    assert.match(await refusal(devices), /^config\.storage\[0\]\.interface_type: must be left out/);
    const { network } = devices;
    assert.match(await refusal({ network }), /^config\.network\[0\]\.interface_type: .* be q35/);
    const scsi = [{ ...devices.storage[0], interfaceType: 'scsi' }];
    assert.match(await refusal({ storage: scsi, boot }), /must be virtio-blk, sata, nvme or left/);
  });

  it('writes to a disk itself only if that is the customer’s own, or never written', async () => {
    const disk = { id: 'root', isRootDevice: true, options: { write_mode: 'direct' } };
    const own = await parse({ storage: [{ ...disk, path: '/assets/customers/acme/root.img' }] });
    assert.equal(own.disks[0]?.writeMode, 'direct');
    const shared = await refusal({ storage: [{ ...disk, path: '/assets/root.img' }] });
    assert.match(shared, /write_mode: direct is for disks in your own folder, customers\/acme\//);
    await parse({ storage: [{ ...disk, path: '/assets/root.img', readOnly: true }] });
  });

  it('gives automatic MACs that stay the same and differ from each other', async () => {
    const network = [{ id: 'eth0' }, { id: 'eth1', macAddress: 'AUTO' }];
    const [one, two] = [await parse({ network }), await parse({ network })];
    assert.deepEqual(one.nics, two.nics);
    assert.notEqual(one.nics[0]?.mac, one.nics[1]?.mac);
    for (const { mac, isMacAuto } of one.nics) {
      assert.match(mac, /^02(:[0-9a-f]{2}){5}$/);
      assert.ok(isMacAuto);
    }
  });

  it('takes one limit for both ways, or one for each', async () => {
    const bothWays = await parse({
      network: [{ id: 'a', rateLimit: { bandwidthBytesPerSecond: 5000n, burstBytes: 1n } }],
    });
    const limit = { bytesPerSecond: 5000, burstBytes: 1, refillMs: 100 };
    assert.deepEqual([bothWays.nics[0]?.rxLimit, bothWays.nics[0]?.txLimit], [limit, limit]);
    const oneWay = await parse({ network: [{ id: 'a', txRateLimit: { bandwidth: 5000n } }] });
    assert.equal(oneWay.nics[0]?.rxLimit, undefined);
    assert.equal(oneWay.nics[0]?.txLimit?.bytesPerSecond, 5000);
  });

  it('puts addresses into their one form and says how the caller named them', async () => {
    const spec = await parse({
      network: [
        {
          id: 'eth0',
          guestIpv6: { address: 'FD00:0:0::5', prefixLength: 64 },
          hostIpv6: { address: 'fd00::1' },
          ipv4Config: { dnsServers: ['9.9.9.9'] },
          ipv6Config: { dnsServers: ['2620:FE::FE'] },
        },
      ],
    });
    assert.deepEqual(spec.nics[0]?.ipv6, {
      address: 'fd00::5',
      prefixLength: 64,
      gateway: 'fd00::1',
      fields: {
        address: 'config.network[0].guest_ipv6.address',
        prefixLength: 'config.network[0].guest_ipv6.prefix_length',
        gateway: 'config.network[0].host_ipv6.address',
      },
    });
    assert.deepEqual(spec.nics[0]?.dnsServers, ['9.9.9.9', '2620:fe::fe']);
  });

  it("does not take the host's own gateway for the guest's", async () => {
    const hostIpv4 = { address: '10.0.0.1', prefixLength: 24, gateway: '10.0.0.254' };
    const spec = await parse({ network: [{ id: 'eth0', hostIpv4 }] });
    assert.equal(spec.nics[0]?.ipv4?.gateway, '10.0.0.1');
    assert.equal(spec.nics[0]?.ipv4?.prefixLength, 24);
    assert.equal(spec.nics[0]?.ipv4?.address, undefined);
  });

  it('refuses an enum number without a name, which only binary can hold', async () => {
    const network = [{ id: 'eth0', mode: 9 as NetworkMode }];
    assert.match(await refusal({ network }), /^config\.network\[0\]\.mode: /);
  });

  it('keeps the file name of the console log and nothing else of its path', async () => {
    const output = '/../../etc/passwd';
    assert.equal((await parse({ console: { output } })).console.outputFile, 'passwd');
    for (const bad of ['/tmp/', '..', '.hidden', 'a b', 'x'.repeat(65), 'a\n']) {
      assert.match(await refusal({ console: { output: bad } }), /^config\.console\.output: /);
    }
  });

  it('remembers what was given, both names filled, in a form that can be read back', async () => {
    const { given } = await parse({
      network: [{ interfaceId: 'eth0', guestIpv4: { address: '10.0.0.5', prefixLength: 24 } }],
    });
    const read = fromJson(VmConfigSchema, JSON.parse(JSON.stringify(given)));
    assert.equal(read.network[0]?.id, 'eth0');
    assert.equal(read.network[0]?.ipv4Config?.netmask, '255.255.255.0');
    assert.equal(read.storage[0]?.deviceId, 'root');
    assert.equal(read.storage[0]?.isReadOnly, false);
    assert.equal(read.console?.type, '');
  });
});
