/**
 * A Proxmox VE cluster, as its API tells of it: two nodes that run, one that is off, guests with
 * an agent and without, storages of their own and a shared one. A test changes what it says, who
 * may see it, and how long it takes.
 */
import { createServer as createPlain, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { GIB } from '#kernel/units.ts';
import type { KeyPair } from './certificates.ts';
import { HeldAnswers } from './held-answers.ts';
import { listening, type LoopbackServer } from './loopback-server.ts';

export const PROXMOX_TOKEN = 'watcher@pve!drover=0b6f3a4e-1f8b-4a53-9a5e-2f7d61c8f0aa';

type Entry = Readonly<Record<string, unknown>>;

export class ProxmoxDouble implements AsyncDisposable {
  readonly answers = new HeldAnswers();
  /** What `data` of an answer is, by path; a test may change any. */
  readonly data: Map<string, unknown>;
  readonly #server: LoopbackServer;
  readonly #isTls: boolean;

  private constructor(server: LoopbackServer, data: Map<string, unknown>, isTls: boolean) {
    this.#server = server;
    this.data = data;
    this.#isTls = isTls;
  }

  static async open(pair?: KeyPair): Promise<ProxmoxDouble> {
    const data = clusterData();
    const box: { double?: ProxmoxDouble } = {};
    const listener: RequestListener = (request, response) => {
      const path = (request.url ?? '').replace(/^\/api2\/json/, '');
      if (request.headers.authorization !== `PVEAPIToken=${PROXMOX_TOKEN}`) {
        response.writeHead(401).end('{"data":null,"message":"no such token\\n"}');
        return;
      }
      void box.double?.answers.admit(path, response).then((isUsual) => {
        if (!isUsual) return;
        response.setHeader('content-type', 'application/json;charset=UTF-8');
        if (data.has(path)) response.end(JSON.stringify({ data: data.get(path) }));
        else if (path.endsWith('/agent/get-fsinfo')) {
          response
            .writeHead(500)
            .end('{"data":null,"message":"QEMU guest agent is not running\\n"}');
        } else response.writeHead(501).end('{"data":null,"message":"not implemented"}');
      });
    };
    const isTls = pair !== undefined;
    const server = isTls ? createServer(pair, listener) : createPlain(listener);
    box.double = new ProxmoxDouble(await listening(server), data, isTls);
    return box.double;
  }

  get url(): string {
    return `${this.#isTls ? 'https' : 'http'}://127.0.0.1:${this.#server.port}`;
  }

  /** As a cluster answers a token that may not. */
  forbid(path: string): void {
    const body = '{"data":null,"message":"Permission check failed (/nodes/pve1, Sys.Audit)\\n"}';
    this.answers.refuse(path, { status: 403, body });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

function clusterData(): Map<string, unknown> {
  return new Map<string, unknown>([
    ['/version', { version: '8.2.4', release: '8.2', repoid: 'faa83925c9641325' }],
    [
      '/cluster/status',
      [
        { type: 'cluster', name: 'lab', nodes: 3, quorate: 1, version: 3, id: 'cluster' },
        { type: 'node', name: 'pve1', local: 0, online: 1, nodeid: 1, id: 'node/pve1' },
        { type: 'node', name: 'pve2', local: 1, online: 1, nodeid: 2, id: 'node/pve2' },
        { type: 'node', name: 'pve3', local: 0, online: 0, nodeid: 3, id: 'node/pve3' },
      ],
    ],
    ['/cluster/resources', resources()],
    ['/access/permissions', { '/': auditor(), '/vms': auditor(), '/storage': auditor() }],
    ['/nodes/pve1/status', nodeStatus()],
    ['/nodes/pve2/status', { ...nodeStatus(), uptime: 7200, pveversion: 'pve-manager/8.3.1/abc' }],
    ['/nodes/pve1/qemu/100/agent/get-fsinfo', { result: filesystems() }],
  ]);
}

function auditor(): Entry {
  return { 'Sys.Audit': 1, 'VM.Audit': 1, 'Datastore.Audit': 1, 'Pool.Audit': 1, 'SDN.Audit': 1 };
}

function resources(): readonly Entry[] {
  const node = (name: string, more: Entry) => ({
    ...{ id: `node/${name}`, type: 'node', node: name, level: '', ...more },
  });
  const on = {
    ...{ status: 'online', cpu: 0.231, maxcpu: 16, mem: 32 * GIB, maxmem: 64 * GIB },
    ...{ disk: 20 * GIB, maxdisk: 100 * GIB, uptime: 604_800 },
  };
  const storage = (owner: string, name: string, more: Entry) => ({
    ...{ id: `storage/${owner}/${name}`, type: 'storage', node: owner, storage: name },
    ...{ status: 'available', content: 'images,rootdir', shared: 0, ...more },
  });
  const shared = { plugintype: 'nfs', shared: 1, disk: 450 * GIB, maxdisk: 900 * GIB };
  return [
    node('pve1', on),
    node('pve2', on),
    node('pve3', { status: 'offline' }),
    guest({ vmid: 100, name: 'user-vm', node: 'pve1', status: 'running', cpu: 0.153 }),
    guest({ vmid: 101, name: 'no-agent', node: 'pve1', status: 'running', cpu: 0.5 }),
    guest({ vmid: 102, name: 'spare', node: 'pve1', status: 'stopped', cpu: 0, mem: 0, uptime: 0 }),
    guest({ vmid: 103, name: 'template', node: 'pve1', status: 'stopped', template: 1 }),
    {
      ...guest({ vmid: 200, name: 'dns', node: 'pve1', status: 'running' }),
      type: 'lxc',
      disk: GIB,
    },
    guest({ vmid: 300, name: 'elsewhere', node: 'pve2', status: 'running' }),
    storage('pve1', 'local', { plugintype: 'dir', disk: 20 * GIB, maxdisk: 100 * GIB }),
    storage('pve1', 'nas', shared),
    storage('pve1', 'gone', { plugintype: 'cifs', status: 'unknown' }),
    storage('pve2', 'local', { plugintype: 'dir', disk: 1 * GIB, maxdisk: 100 * GIB }),
    storage('pve2', 'nas', shared),
  ];
}

function guest(fields: Entry & { readonly vmid: number }): Entry {
  return {
    ...{ id: `qemu/${fields.vmid}`, type: 'qemu', template: 0, cpu: 0, maxcpu: 4 },
    ...{ mem: 4 * GIB, maxmem: 8 * GIB, disk: 0, maxdisk: 32 * GIB, uptime: 86_400 },
    ...{ netin: 1, netout: 1, diskread: 1, diskwrite: 1, ...fields },
  };
}

function nodeStatus(): Entry {
  return {
    ...{ uptime: 604_800, cpu: 0.25, wait: 0.01, kversion: 'Linux 6.8.12' },
    loadavg: ['1.20', '1.50', '1.80'],
    memory: { total: 64 * GIB, used: 32 * GIB, free: 30 * GIB },
    swap: { total: 8 * GIB, used: 1 * GIB, free: 7 * GIB },
    rootfs: { total: 100 * GIB, used: 20 * GIB, free: 80 * GIB, avail: 75 * GIB },
    cpuinfo: { model: 'AMD EPYC', cpus: 16, cores: 8, sockets: 1, mhz: '2800' },
    pveversion: 'pve-manager/8.2.4/faa83925c9641325',
  };
}

function filesystems(): readonly Entry[] {
  const disk = { type: 'ext4', 'total-bytes': 30 * GIB, 'used-bytes': 20 * GIB };
  return [
    { name: 'sda1', mountpoint: '/', ...disk },
    { name: 'sda1', mountpoint: '/var/snap', ...disk },
    { name: 'sdb1', mountpoint: '/data', ...disk, 'used-bytes': 5 * GIB },
    { name: 'loop0', mountpoint: '/snap/core', ...disk, type: 'squashfs' },
    { name: 'sda15', mountpoint: '/boot/efi', type: 'vfat' },
  ];
}
