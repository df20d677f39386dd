/**
 * A node of Proxmox VE as prometheus-pve-exporter tells of it, which tells of the whole cluster.
 * The node of a server is the only one there is, or the one with the server's name; of a server
 * that is none of several, nothing is said.
 */
import type { SampleSet } from '#fleet/samples/sample-set.ts';
import type { GuestReading, ServerReading } from '#fleet/server-reading.ts';
import { percentOf, sumOf } from './answer-values.ts';

const MOST_GUESTS = 5000;

export function samplesToHypervisor(
  set: SampleSet,
  hosts: ReadonlySet<string>,
): Pick<ServerReading, 'hypervisor' | 'guests'> {
  const node = nodeOf(set, hosts);
  if (node === undefined) return {};
  const column = (name: string) => set.by('id', `pve_${name}`);
  const id = `node/${node}`;
  const ratio = column('cpu_usage_ratio').get(id);
  const [sizes, usages] = [column('disk_size_bytes'), column('disk_usage_bytes')];
  const storages = [...sizes.keys()].filter((each) => each.startsWith(`storage/${node}/`));
  const whole = sumOf(storages.map((each) => sizes.get(each)));
  const version = set.all('pve_version_info')[0]?.labels['version'];
  return {
    hypervisor: {
      product: version === undefined ? 'Proxmox VE' : `Proxmox VE ${version}`,
      cpuPercent: ratio === undefined ? undefined : ratio * 100,
      memoryPercent: percentOf(
        column('memory_usage_bytes').get(id),
        column('memory_size_bytes').get(id),
      ),
      storagePercent: percentOf(sumOf(storages.map((each) => usages.get(each))), whole),
      uptimeSeconds: column('uptime_seconds').get(id),
    },
    guests: guestsOf(set, node),
  };
}

function nodeOf(set: SampleSet, hosts: ReadonlySet<string>): string | undefined {
  const names = set
    .all('pve_node_info')
    .map(({ labels }) => labels['name'] ?? labels['id']?.replace(/^node\//, '') ?? '');
  if (names.length === 1) return names[0];
  const known = new Set([...hosts].flatMap((host) => [host, host.split('.', 1)[0]]));
  return names.find((name) => known.has(name));
}

function guestsOf(set: SampleSet, node: string): readonly GuestReading[] {
  const column = (name: string) => set.by('id', `pve_${name}`);
  const [up, cpu, used, total] = [
    ...['up', 'cpu_usage_ratio', 'memory_usage_bytes', 'memory_size_bytes'],
  ].map(column);
  const [diskUsed, diskTotal, uptime] = [
    ...['disk_usage_bytes', 'disk_size_bytes', 'uptime_seconds'],
  ].map(column);
  const own = set
    .all('pve_guest_info')
    .filter(({ labels }) => labels['node'] === node && labels['template'] !== '1');
  return own.slice(0, MOST_GUESTS).map(({ labels }) => {
    const id = labels['id'] ?? '';
    const ratio = cpu?.get(id);
    const isUp = up?.get(id);
    return {
      id: id.replace(/^\w+\//, ''),
      name: labels['name'] ?? id,
      status: isUp === undefined ? 'unknown' : isUp === 1 ? 'running' : 'stopped',
      cpuPercent: ratio === undefined ? undefined : ratio * 100,
      memoryUsedBytes: used?.get(id),
      memoryTotalBytes: total?.get(id),
      // Proxmox does not look into the disks of virtual machines, and says 0.
      diskUsedBytes: id.startsWith('lxc/') ? diskUsed?.get(id) : undefined,
      diskTotalBytes: diskTotal?.get(id),
      uptimeSeconds: uptime?.get(id),
    };
  });
}
