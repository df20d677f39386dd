/** Which storage a disk goes to: what its mapping says, or else the target's own choice. */
import { isAbsolute, normalize } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { resolveAllowed } from '#transfers/allowed-directories.ts';
import { DirectoryStorage, isWritable } from './directory-storage.ts';
import type { DiskStorage } from './disk-storage.ts';
import type { LibvirtHost, Pool } from './libvirt-host.ts';
import { VolumeStorage } from './volume-storage.ts';

export interface StorageFinderOptions {
  readonly host: LibvirtHost;
  readonly clock: Clock;
  readonly isLocal: boolean;
  /** Where disks go that have no mapping; at most one of the two. */
  readonly pool: string | undefined;
  readonly directory: string | undefined;
  /** The folders of this host that disks may go to; undefined: any. */
  readonly allowed?: readonly string[] | undefined;
  readonly workDirectory: string;
}

const DEFAULT_POOL = 'default';
const OWN_PLACE = 'destination.directory';
const MAPPED_PLACE = 'options.storage_mapping';

/** Pools whose volumes are files in a directory, and those whose volumes are block devices. */
const KIND_OF_POOL: ReadonlyMap<string, 'file' | 'block'> = new Map([
  ['dir', 'file'],
  ['fs', 'file'],
  ['netfs', 'file'],
  ['logical', 'block'],
  ['zfs', 'block'],
]);

export class StorageFinder {
  readonly #options: StorageFinderOptions;
  readonly #found = new Map<string, DiskStorage>();

  constructor(options: StorageFinderOptions) {
    this.#options = options;
  }

  async find(mapped: string | undefined, signal: AbortSignal): Promise<DiskStorage> {
    const { directory, pool } = this.#options;
    const asked = mapped ?? directory ?? pool ?? DEFAULT_POOL;
    const known = this.#found.get(asked);
    if (known !== undefined) return known;
    const found = isAbsolute(asked)
      ? await this.#directory(asked, mapped === undefined ? OWN_PLACE : MAPPED_PLACE)
      : await this.#pool(await this.#options.host.pool(asked, signal));
    this.#found.set(asked, found);
    return found;
  }

  async #directory(asked: string, field: string): Promise<DiskStorage> {
    if (normalize(asked) !== asked) {
      throw invalidArgument('directory', 'must be an absolute path without . and ..');
    }
    if (!this.#options.isLocal) {
      const text = `the directory ${asked} is on another host, where only pools can be reached`;
      throw new DroverError('failed_precondition', text, {
        reason: 'DIRECTORY_IS_REMOTE',
        metadata: { remedy: 'name a storage pool of that host: a pool of type dir is a directory' },
      });
    }
    const { allowed } = this.#options;
    const path = allowed === undefined ? asked : await resolveAllowed(asked, { allowed, field });
    if (!(await isWritable(path))) throw notWritable(path);
    return new DirectoryStorage({ path, label: path, refreshPool: undefined });
  }

  async #pool({ name, type, path }: Pool): Promise<DiskStorage> {
    const { host, clock, isLocal, workDirectory } = this.#options;
    const kind = KIND_OF_POOL.get(type);
    if (kind === undefined) throw poolUnsupported(name, type);
    const isDirect = isLocal && kind === 'file' && path !== undefined && (await isWritable(path));
    if (!isDirect) {
      return new VolumeStorage({ virsh: host.virsh, clock, pool: name, kind, workDirectory });
    }
    return new DirectoryStorage({
      path,
      label: `pool ${name}`,
      refreshPool: async (signal) => {
        await host.virsh.run(['pool-refresh', `--pool=${name}`], { signal });
      },
    });
  }
}

function notWritable(path: string): DroverError {
  const text = `the user who runs Drover may write no files to ${path}`;
  return new DroverError('failed_precondition', text, {
    reason: 'DIRECTORY_NOT_WRITABLE',
    metadata: { remedy: 'give the user the right to, or name a storage pool of libvirt' },
  });
}

function poolUnsupported(name: string, type: string): DroverError {
  const known = [...KIND_OF_POOL.keys()].join(', ');
  return new DroverError(
    'failed_precondition',
    `the storage pool ${name} is of type ${type}; disks go into pools of type ${known}`,
    { reason: 'POOL_UNSUITED', metadata: { pool: name, remedy: 'name a pool of such a type' } },
  );
}
