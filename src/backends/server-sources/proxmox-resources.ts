/** What `/cluster/resources` says: nodes, guests and storages of a whole cluster in one answer. */
import { amountOf, listOf, objectOf, textOf } from './answer-values.ts';

/** Each number is undefined where the token may not see it. */
interface ResourceNumbers {
  /** A share of 1, of the processors it has. */
  readonly cpu: number | undefined;
  readonly memory: number | undefined;
  readonly memoryMost: number | undefined;
  readonly disk: number | undefined;
  readonly diskMost: number | undefined;
  readonly uptimeSeconds: number | undefined;
}

interface Resource extends ResourceNumbers {
  readonly node: string;
  readonly status: string;
}

export interface NodeResource extends Resource {
  readonly cores: number | undefined;
}

export interface GuestResource extends Resource {
  readonly type: 'qemu' | 'lxc';
  readonly id: string;
  readonly name: string;
}

export interface StorageResource extends Resource {
  readonly name: string;
  readonly plugin: string | undefined;
}

export interface ClusterResources {
  readonly nodes: ReadonlyMap<string, NodeResource>;
  /** Templates are none. */
  readonly guests: readonly GuestResource[];
  readonly storages: readonly StorageResource[];
}

const MOST_RESOURCES = 50_000;

export function readResources(data: unknown): ClusterResources {
  const nodes = new Map<string, NodeResource>();
  const guests: GuestResource[] = [];
  const storages: StorageResource[] = [];
  for (const raw of listOf(data).slice(0, MOST_RESOURCES)) {
    const fields = objectOf(raw);
    const node = textOf(fields['node']);
    if (node === undefined) continue;
    const common = { node, status: textOf(fields['status']) ?? 'unknown', ...numbersOf(fields) };
    const type = fields['type'];
    if (type === 'node') nodes.set(node, { ...common, cores: amountOf(fields['maxcpu']) });
    else if (type === 'storage') {
      storages.push({
        ...common,
        name: textOf(fields['storage']) ?? '',
        plugin: textOf(fields['plugintype']),
      });
    } else if ((type === 'qemu' || type === 'lxc') && fields['template'] !== 1) {
      const id = String(amountOf(fields['vmid']) ?? '');
      guests.push({ ...common, type, id, name: textOf(fields['name']) ?? id });
    }
  }
  return { nodes, guests, storages };
}

function numbersOf(fields: Readonly<Record<string, unknown>>): ResourceNumbers {
  return {
    cpu: amountOf(fields['cpu']),
    memory: amountOf(fields['mem']),
    memoryMost: amountOf(fields['maxmem']),
    disk: amountOf(fields['disk']),
    diskMost: amountOf(fields['maxdisk']),
    uptimeSeconds: amountOf(fields['uptime']),
  };
}
