import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';

import { runFake } from '#apps/drover/client/fake-api.ts';
import type { FakeApi } from '#apps/drover/client/fake-api.ts';
import { FakeTerminal } from '#apps/drover/fake-terminal.ts';
import { ErrorInfoSchema } from '#gen/google/rpc/error_details_pb.js';
import { VmConfigSchema, VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import type { CreateVmRequest } from '#gen/vmprovisioner/v1/vm_pb.js';

const NOW_S = Date.UTC(2026, 0, 1) / 1000;

function row(vmId: string, state: VmState, ageS: number) {
  return {
    ...{ vmId, state, vcpuCount: 2, memorySizeBytes: 536_870_912n, customerId: 'acme' },
    createdTimestamp: BigInt(NOW_S - ageS),
    metadata: { name: `name of ${vmId}` },
  };
}

describe('drover vm list', () => {
  it('prints an aligned table with ages', async () => {
    const vms = [row('vm_1', VmState.RUNNING, 5), row('vm_22', VmState.SHUTDOWN, 7200)];
    const { terminal, exitCode } = runFake(['vm', 'list'], {
      api: { vms: { listVms: () => ({ vms, totalCount: 2 }) } },
    });
    assert.equal(await exitCode, 0);
    assert.equal(
      terminal.out,
      [
        'ID     NAME           STATE     VCPUS  MEMORY   AGE',
        'vm_1   name of vm_1   running   2      512 MiB  5s',
        'vm_22  name of vm_22  shutdown  2      512 MiB  2h',
        '',
      ].join('\n'),
    );
  });

  it('asks for page after page with --all, and for the states it is told', async () => {
    const asked: unknown[] = [];
    const api: FakeApi = {
      vms: {
        listVms({ pageToken, pageSize, stateFilter }) {
          asked.push({ pageToken, pageSize, stateFilter });
          const isFirst = pageToken === '';
          const vms = [row(isFirst ? 'vm_2' : 'vm_1', VmState.RUNNING, 1)];
          return { vms, totalCount: 2, nextPageToken: isFirst ? 'more' : '' };
        },
      },
    };
    const argv = ['vm', 'list', '--all', '--json', '--state', 'running', '--state', 'paused'];
    const { terminal, exitCode } = runFake(argv, { api });
    assert.equal(await exitCode, 0);
    const stateFilter = [VmState.RUNNING, VmState.PAUSED];
    assert.deepEqual(asked, [
      { pageToken: '', pageSize: 1000, stateFilter },
      { pageToken: 'more', pageSize: 1000, stateFilter },
    ]);
    const printed = JSON.parse(terminal.out);
    assert.deepEqual(
      printed.vms.map((vm: { vm_id: string }) => vm.vm_id),
      ['vm_2', 'vm_1'],
    );
    assert.equal(printed.vms[0].memory_size_bytes, 536_870_912);
    assert.equal(printed.vms[0].state, 'VM_STATE_RUNNING');
    assert.equal(printed.next_page_token, '');
  });

  it('says that there is more, and how to get it', async () => {
    const vms = [row('vm_1', VmState.CREATED, 1)];
    const { terminal, exitCode } = runFake(['vm', 'list'], {
      api: { vms: { listVms: () => ({ vms, totalCount: 80, nextPageToken: 'abc' }) } },
    });
    assert.equal(await exitCode, 0);
    assert.equal(terminal.notes, '1 of 80; --all shows the rest, or --after abc\n');
  });

  it('lets no name act on the terminal, and colours states on one', async () => {
    const evil = { ...row('vm_1', VmState.RUNNING, 1), metadata: { name: 'a\u001B[2Jb' } };
    const { terminal, exitCode } = runFake(['vm', 'list'], {
      terminal: new FakeTerminal({ isTty: true, wantsColour: true }),
      api: { vms: { listVms: () => ({ vms: [evil], totalCount: 1 }) } },
    });
    assert.equal(await exitCode, 0);
    assert.match(terminal.out, /a\?\[2Jb/);
    assert.ok(terminal.out.includes('\u001B[32mrunning\u001B[0m'));
  });

  it('refuses a state there is not, before it asks anybody', async () => {
    const { terminal, targets, exitCode } = runFake(['vm', 'list', '--state', 'dead']);
    assert.equal(await exitCode, 2);
    assert.match(terminal.notes, /--state: must be one of created, running, paused, shutdown/);
    assert.deepEqual(targets, []);
  });
});

describe('drover vm info', () => {
  const answer = {
    ...{ vmId: 'vm_1', customerId: 'acme', state: VmState.RUNNING, stateMessage: 'booted' },
    createdAt: '2025-12-31T23:00:00.000Z',
    config: create(VmConfigSchema, {
      cpu: { vcpuCount: 2 },
      memory: { sizeBytes: 268_435_456n },
      boot: { kernelPath: '/assets/demo/vmlinuz', kernelArgs: 'quiet' },
      storage: [{ id: 'rootfs', path: '/assets/demo/rootfs.ext4', isRootDevice: true }],
      metadata: { name: 'web' },
    }),
    networkInfo: {
      interfaces: [
        {
          ...{ interfaceId: 'eth0', tapDevice: 'tap0', guestMac: '02:00:00:00:00:01' },
          guestIpv4: { address: '10.90.0.5', prefixLength: 16 },
        },
      ],
    },
    metrics: { cpuUsagePercent: 12.34, memoryUsageBytes: 1_048_576n, uptimeSeconds: 61n },
    backendInfo: { backend_type: 'qemu' },
  };

  it('prints a sheet', async () => {
    const { terminal, exitCode } = runFake(['vm', 'info', 'vm_1'], {
      api: { vms: { getVmInfo: () => answer } },
    });
    assert.equal(await exitCode, 0);
    for (const line of [
      'state         running (booted)',
      'created       2025-12-31T23:00:00.000Z (1h ago)',
      'memory        256 MiB',
      'disk          rootfs /assets/demo/rootfs.ext4 (root, writable)',
      'network       eth0 02:00:00:00:00:01 10.90.0.5/16 tap0',
      'cpu           12.3 % of one core',
      'backend type  qemu',
    ]) {
      assert.ok(terminal.out.includes(`${line}\n`), `${line} in\n${terminal.out}`);
    }
  });

  it('prints JSON as the API document has it', async () => {
    const { terminal, exitCode } = runFake(['vm', 'info', 'vm_1', '--json'], {
      api: { vms: { getVmInfo: () => answer } },
    });
    assert.equal(await exitCode, 0);
    const printed = JSON.parse(terminal.out);
    assert.equal(printed.config.memory.size_bytes, 268_435_456);
    assert.equal(printed.config.memory.hotplug_enabled, false);
    assert.equal(printed.config.cpu.cpu_template, undefined);
    assert.equal(printed.network_info.interfaces[0].guest_ipv4.prefix_length, 16);
    assert.deepEqual(printed.backend_info, { backend_type: 'qemu' });
  });

  it('tells a missing machine apart, with the reason the server gave', async () => {
    const info = { reason: 'VM_NOT_FOUND', metadata: { vm_id: 'vm_1' } };
    const { terminal, exitCode } = runFake(['vm', 'info', 'vm_1', '--json'], {
      api: {
        vms: {
          getVmInfo() {
            throw new ConnectError('there is no VM vm_1', Code.NotFound, undefined, [
              { desc: ErrorInfoSchema, value: info },
            ]);
          },
        },
      },
    });
    assert.equal(await exitCode, 3);
    const { error } = JSON.parse(terminal.notes);
    assert.equal(error.reason, 'VM_NOT_FOUND');
    assert.deepEqual(error.metadata, { vm_id: 'vm_1' });
  });
});

describe('drover vm boot and its like', () => {
  it('tell every machine, whatever becomes of the others', async () => {
    const { terminal, exitCode } = runFake(['vm', 'boot', 'vm_1', 'vm_2', 'vm_3'], {
      api: {
        vms: {
          bootVm({ vmId }) {
            if (vmId === 'vm_2') throw new ConnectError('it is paused', Code.FailedPrecondition);
            return { success: true, state: VmState.RUNNING };
          },
        },
      },
    });
    assert.equal(await exitCode, 6);
    assert.equal(terminal.out, 'vm_1 running\nvm_3 running\n');
    assert.equal(terminal.notes, 'drover: it is paused\n');
  });

  it('hand on --force and --timeout, and say which way it went', async () => {
    const asked: unknown[] = [];
    const { terminal, exitCode } = runFake(['vm', 'shutdown', 'vm_1', '--timeout', '5', '-f'], {
      api: {
        vms: {
          shutdownVm({ vmId, force, timeoutSeconds }) {
            asked.push({ vmId, force, timeoutSeconds });
            return { success: true, state: VmState.SHUTDOWN, outcome: 'killed' };
          },
        },
      },
    });
    assert.equal(await exitCode, 0);
    assert.deepEqual(asked, [{ vmId: 'vm_1', force: true, timeoutSeconds: 5 }]);
    assert.equal(terminal.out, 'vm_1 shutdown (killed)\n');
  });

  it('print a line of JSON for each', async () => {
    const { terminal, exitCode } = runFake(['vm', 'delete', 'vm_1', '--json'], {
      api: { vms: { deleteVm: () => ({ success: true }) } },
    });
    assert.equal(await exitCode, 0);
    assert.equal(terminal.out, '{"vm_id":"vm_1","success":true}\n');
  });

  it('say on a terminal what they wait for, and how long', async () => {
    const booted = Promise.withResolvers<{ state: VmState }>();
    const { terminal, clock, exitCode } = runFake(['vm', 'boot', 'vm_1'], {
      terminal: new FakeTerminal({ isTty: true }),
      api: { vms: { bootVm: () => booted.promise } },
    });
    await clock.advance(2000);
    assert.ok(terminal.notes.endsWith('\u001B[1A\u001B[2Kbooting vm_1… 2 s\n'), terminal.notes);
    booted.resolve({ state: VmState.RUNNING });
    assert.equal(await exitCode, 0);
    assert.equal(clock.pendingTimers, 0);
  });
});

describe('drover vm create', () => {
  async function createFrom(files: Readonly<Record<string, string>>, argv: readonly string[]) {
    const directory = await mkdtemp(join(tmpdir(), 'drover-create-'));
    try {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(join(directory, name, '..'), { recursive: true });
        await writeFile(join(directory, name), text);
      }
      const requests: CreateVmRequest[] = [];
      const run = runFake(['vm', 'create', ...argv], {
        env: { currentDir: directory, homeDir: directory },
        api: {
          vms: {
            createVm(request) {
              requests.push(request);
              return { vmId: 'vm_9', state: VmState.CREATED };
            },
          },
        },
      });
      return { exitCode: await run.exitCode, request: requests[0], terminal: run.terminal };
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  const config = {
    cpu: { vcpu_count: 1 },
    memory: { size_bytes: 268_435_456 },
    boot: { kernel_path: '/assets/demo/vmlinuz' },
    storage: [{ device_id: 'rootfs', path_on_host: '/assets/x', is_root_device: true }],
    network: [{ interface_id: 'eth0', type: 'TAP', guest_mac: 'auto' }],
    metadata: { project: 'test' },
  };

  it('takes the template of a built image, and changes it as told', async () => {
    const image = JSON.stringify({ name: 'demo', config });
    const { request, exitCode, terminal } = await createFrom(
      { 'd/images/demo/image.json': image },
      [
        ...['demo', '--data', 'd', '--name', 'web', '--vcpus', '4', '--memory', '1GiB'],
        ...['--id', 'mine', '--meta', 'tier=a=b'],
      ],
    );
    assert.equal(exitCode, 0, terminal.notes);
    assert.equal(terminal.out, 'vm_9\n');
    assert.equal(request?.vmId, 'mine');
    assert.equal(request.config?.cpu?.vcpuCount, 4);
    assert.equal(request.config.memory?.sizeBytes, 1_073_741_824n);
    assert.equal(request.config.storage[0]?.pathOnHost, '/assets/x');
    assert.deepEqual(request.config.metadata, { project: 'test', name: 'web', tier: 'a=b' });
  });

  it('takes a file with a VmConfig, or with a whole request, in either spelling', async () => {
    const plain = await createFrom({ 'vm.json': JSON.stringify(config) }, ['vm.json']);
    assert.equal(plain.request?.config?.network[0]?.guestMac, 'auto');
    const whole = JSON.stringify({ vmId: 'theirs', config: { cpu: { vcpuCount: 3 } } });
    const { request } = await createFrom({ 'vm.json': whole }, ['./vm.json']);
    assert.equal(request?.vmId, 'theirs');
    assert.equal(request.config?.cpu?.vcpuCount, 3);
  });

  it('names what is wrong with a file', async () => {
    const typo = await createFrom({ 'vm.json': '{"cpu": {"vcpus": 1}}' }, ['vm.json']);
    assert.equal(typo.exitCode, 2);
    assert.match(typo.terminal.notes, /vm\.json: does not describe a machine: .*"vcpus"/);
    const broken = await createFrom({ 'vm.json': '{' }, ['vm.json']);
    assert.match(broken.terminal.notes, /vm\.json: must be JSON/);
    const missing = await createFrom({}, ['vm.json']);
    assert.match(missing.terminal.notes, /vm\.json: cannot be read \(ENOENT\)/);
  });

  it('says how to get an image that is not there', async () => {
    const { exitCode, terminal } = await createFrom({}, ['demo']);
    assert.equal(exitCode, 3);
    assert.match(terminal.notes, /drover image build demo/);
  });

  it('refuses a size and a count that are none', async () => {
    const files = { 'vm.json': '{}' };
    const memory = await createFrom(files, ['vm.json', '--memory', 'lots']);
    assert.match(memory.terminal.notes, /--memory: must be a size such as 512MiB, not lots/);
    const vcpus = await createFrom(files, ['vm.json', '--vcpus', '33']);
    assert.match(vcpus.terminal.notes, /--vcpus: must be a whole number from 1 to 32/);
    assert.equal(vcpus.request, undefined);
  });
});
