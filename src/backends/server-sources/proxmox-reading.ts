/** One node of a Proxmox VE cluster as a server, of what the cluster and the node say. */
import type {
  CpuReading,
  FilesystemReading,
  GuestReading,
  MemoryShares,
  ServerReading,
} from '#fleet/server-reading.ts';
import type { MissingPart } from '#fleet/source-feed.ts';
import {
  amountOf,
  listOf,
  objectOf,
  percentOf,
  sumOf,
  textOf,
  type AnswerObject,
} from './answer-values.ts';
import type { GuestDisks } from './proxmox-guest-disks.ts';
import type { ClusterResources, GuestResource, NodeResource } from './proxmox-resources.ts';

const MOST_ROWS = 64;
const SEE_GUESTS = 'VM.Audit';
const SEE_STORAGES = 'Datastore.Audit';

export interface ProxmoxNodeAnswers {
  readonly node: NodeResource;
  readonly resources: ClusterResources;
  /** `/nodes/{node}/status`; undefined where it could not be had. */
  readonly status: AnswerObject | undefined;
  /** It could not be had. */
  readonly why: string | undefined;
  /** Of the node that was asked. */
  readonly version: string | undefined;
  /** What the token may do; undefined where nobody knows. */
  readonly rights: ReadonlySet<string> | undefined;
  readonly disksOf: (guest: GuestResource) => GuestDisks | undefined;
}

export function proxmoxToReading(answers: ProxmoxNodeAnswers): ServerReading {
  const { node, resources, status = {} } = answers;
  const cpu = shareOf(status['cpu']) ?? toPercent(node.cpu);
  const memory = memoryOf(answers);
  const uptimeSeconds = amountOf(status['uptime']) ?? node.uptimeSeconds;
  const guests = resources.guests.filter((guest) => guest.node === node.node);
  const own = /^pve-manager\/([^/]+)/.exec(textOf(status['pveversion']) ?? '')?.[1];
  const version = own ?? answers.version;
  return {
    ...{ uptimeSeconds, cpu: cpuOf(answers, cpu), memory },
    filesystems: filesystemsOf(answers),
    hypervisor: {
      product: version === undefined ? 'Proxmox VE' : `Proxmox VE ${version}`,
      cpuPercent: cpu,
      memoryPercent: percentOf(memory?.usedBytes, memory?.totalBytes),
      storagePercent: storagePercentOf(answers),
      uptimeSeconds,
    },
    // Who may see nothing is shown no guests either: that is not the same as none.
    guests:
      guests.length === 0 && (isHidden(answers) || lacks(answers, SEE_GUESTS))
        ? undefined
        : guests.map((guest) => toGuest(guest, answers.disksOf(guest))),
  };
}

/** What the node has and does not show, as far as that can be known. */
export function missingOf(answers: ProxmoxNodeAnswers): readonly MissingPart[] {
  const { node, resources, why } = answers;
  const isOwn = (each: { readonly node: string }) => each.node === node.node;
  const missing: MissingPart[] = [];
  if (why !== undefined) missing.push({ part: 'load, swap and the root', why });
  for (const [part, right, all] of [
    ['VMs and containers', SEE_GUESTS, resources.guests],
    ['storages', SEE_STORAGES, resources.storages],
  ] as const) {
    if (all.some(isOwn) || !lacks(answers, right)) continue;
    missing.push({ part, why: `its token has no ${right}; give it the role PVEAuditor on /` });
  }
  return missing;
}

function lacks({ rights }: ProxmoxNodeAnswers, right: string): boolean {
  return rights !== undefined && !rights.has(right);
}

/** Whether the token sees that there is such a node, and nothing of it. */
export function isHidden({ node, status }: ProxmoxNodeAnswers): boolean {
  return status === undefined && node.memoryMost === undefined && node.cores === undefined;
}

function cpuOf(
  { node, status = {} }: ProxmoxNodeAnswers,
  usagePercent: number | undefined,
): CpuReading | undefined {
  const cores = amountOf(objectOf(status['cpuinfo'])['cpus']) ?? node.cores;
  const [one, five, fifteen] = listOf(status['loadavg']).map(amountOf);
  if (usagePercent === undefined && cores === undefined) return undefined;
  return {
    ...{ usagePercent, cores, modePercents: undefined, temperatureC: undefined },
    load:
      one === undefined || five === undefined || fifteen === undefined
        ? undefined
        : [one, five, fifteen],
  };
}

function memoryOf({ node, status = {} }: ProxmoxNodeAnswers): MemoryShares | undefined {
  const memory = objectOf(status['memory']);
  const swap = objectOf(status['swap']);
  const totalBytes = amountOf(memory['total']) ?? node.memoryMost;
  const usedBytes = amountOf(memory['used']) ?? node.memory;
  if (totalBytes === undefined) return undefined;
  // Newer ones tell it; in what they call used, older ones leave out what could be had.
  const available = amountOf(memory['available']);
  return {
    ...{ totalBytes, usedBytes, cachedBytes: undefined },
    availableBytes: available ?? (usedBytes === undefined ? undefined : totalBytes - usedBytes),
    swapTotalBytes: amountOf(swap['total']),
    swapUsedBytes: amountOf(swap['used']),
  };
}

/** By size, over the storages that the node has in use: its own, and shared ones, each once. */
function storagePercentOf(answers: ProxmoxNodeAnswers): number | undefined {
  const storages = storagesOf(answers);
  if (storages.length === 0) return undefined;
  return percentOf(
    sumOf(storages.map(({ disk }) => disk)),
    sumOf(storages.map(({ diskMost }) => diskMost)),
  );
}

function storagesOf({ node, resources }: ProxmoxNodeAnswers) {
  const own = resources.storages.filter(
    (storage) => storage.node === node.node && storage.status === 'available',
  );
  return [...new Map(own.map((storage) => [storage.name, storage])).values()];
}

/** The root, and storages under their names; a folder on the root is not counted again. */
function filesystemsOf(answers: ProxmoxNodeAnswers): readonly FilesystemReading[] | undefined {
  const root = objectOf(answers.status?.['rootfs']);
  const rootBytes = amountOf(root['total']);
  const rows: FilesystemReading[] = [];
  const unknown = {
    ...{ files: undefined, filesTotal: undefined },
    ...{ largestFileBytes: undefined, isReadOnly: undefined },
  };
  if (rootBytes !== undefined) {
    rows.push({
      ...{ mountPoint: '/', device: 'rootfs', fstype: undefined, totalBytes: rootBytes },
      usedBytes: amountOf(root['used']),
      availableBytes: amountOf(root['avail']),
      ...unknown,
    });
  }
  for (const { name, plugin, disk, diskMost } of storagesOf(answers)) {
    if (diskMost === undefined || (plugin === 'dir' && diskMost === rootBytes)) continue;
    rows.push({
      ...{ mountPoint: `/storage/${name}`, device: name, fstype: plugin, totalBytes: diskMost },
      usedBytes: disk,
      availableBytes: disk === undefined ? undefined : Math.max(0, diskMost - disk),
      ...unknown,
    });
  }
  return rows.length === 0 ? undefined : rows.slice(0, MOST_ROWS);
}

function toGuest(guest: GuestResource, disks: GuestDisks | undefined): GuestReading {
  const isContainer = guest.type === 'lxc';
  return {
    ...{ id: guest.id, name: guest.name, status: guest.status },
    cpuPercent: toPercent(guest.cpu),
    memoryUsedBytes: guest.memory,
    memoryTotalBytes: guest.memoryMost,
    // Into the disks of virtual machines Proxmox does not look, and says 0.
    diskUsedBytes: isContainer ? guest.disk : disks?.usedBytes,
    diskTotalBytes: disks?.totalBytes ?? guest.diskMost,
    uptimeSeconds: guest.uptimeSeconds,
  };
}

function toPercent(share: number | undefined): number | undefined {
  return share === undefined ? undefined : share * 100;
}

function shareOf(raw: unknown): number | undefined {
  return toPercent(amountOf(raw));
}
