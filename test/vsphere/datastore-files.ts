/**
 * What `/folder` of a vCenter answers: for each hosted disk the descriptor `x.vmdk` and the extent
 * `x-flat.vmdk`, by session or password, whole or one range of it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Clock } from '#kernel/clock.ts';
import type { ByteTroubles, ServedDisk } from './byte-trouble.ts';
import { sendFileBody } from './file-body.ts';
import type { HostedDisk, HostedVm } from './hosted-vm.ts';

export interface DatastoreFilesOptions {
  readonly clock: Clock;
  readonly vms: readonly HostedVm[];
  readonly troubles: ByteTroubles;
  /** An ESXi has one datacenter, and need not be told which. */
  readonly needsDatacenter: boolean;
  readonly isAllowed: (request: IncomingMessage) => boolean;
  readonly onSent: (disk: ServedDisk, bytes: number) => void;
}

interface Range {
  readonly offset: number;
  readonly length: number;
}

export class DatastoreFiles {
  readonly #options: DatastoreFilesOptions;

  constructor(options: DatastoreFilesOptions) {
    this.#options = options;
  }

  async answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    if (!this.#options.isAllowed(request)) {
      response.setHeader('www-authenticate', 'Basic realm="VMware HTTP server"');
      return end(response, 401);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, 405);
    const found = this.#find(url);
    if (found === undefined) return end(response, 404);
    const { vm, disk, isExtent } = found;
    response.setHeader('content-type', 'application/octet-stream');
    response.setHeader('accept-ranges', 'bytes');
    if (!isExtent) {
      const text = descriptor(disk);
      response.setHeader('content-length', Buffer.byteLength(text));
      response.end(request.method === 'HEAD' ? undefined : text);
      return undefined;
    }
    const size = disk.capacityBytes;
    const range = parseRange(request.headers.range, size);
    if (range === 'unsatisfiable') {
      response.setHeader('content-range', `bytes */${size}`);
      return end(response, 416);
    }
    const { offset, length } = range ?? { offset: 0, length: size };
    if (range !== undefined) {
      response.statusCode = 206;
      response.setHeader('content-range', `bytes ${offset}-${offset + length - 1}/${size}`);
    }
    if (request.method === 'HEAD') {
      response.setHeader('content-length', length);
      response.end();
      return undefined;
    }
    const { clock, troubles, onSent } = this.#options;
    const served = { transport: 'datastore', vm: vm.name, label: disk.label } as const;
    const onBytes = (bytes: number) => onSent(served, bytes);
    const trouble = troubles.take(served);
    const body = { path: disk.rawPath, offset, length, contentLength: length, trouble };
    return await sendFileBody(response, { ...body, onSent: onBytes }, clock);
  }

  #find(url: URL): { vm: HostedVm; disk: HostedDisk; isExtent: boolean } | undefined {
    const path = decodeURIComponent(url.pathname.slice('/folder/'.length));
    const name = `[${url.searchParams.get('dsName')}] ${path}`;
    const datacenter = url.searchParams.get('dcPath');
    for (const vm of this.#options.vms) {
      const isHere = datacenter === null ? !this.#options.needsDatacenter : isSame(vm, datacenter);
      for (const disk of isHere ? vm.disks : []) {
        if (name === disk.path) return { vm, disk, isExtent: false };
        if (name === disk.path.replace(/\.vmdk$/, '-flat.vmdk'))
          return { vm, disk, isExtent: true };
      }
    }
    return undefined;
  }
}

/** Datacenters are named by their path, which may begin with a slash. */
function isSame(vm: HostedVm, datacenter: string): boolean {
  return datacenter.replace(/^\//, '') === vm.datacenter;
}

function end(response: ServerResponse, status: number): undefined {
  response.statusCode = status;
  response.end();
  return undefined;
}

/** One range only, as vSphere; a header it does not understand is as if it were not there. */
function parseRange(header: string | undefined, size: number): Range | 'unsatisfiable' | undefined {
  const [whole, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (whole === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { offset: size - length, length };
  }
  const offset = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return offset > end ? 'unsatisfiable' : { offset, length: end - offset + 1 };
}

function descriptor({ path, capacityBytes, isThin }: HostedDisk): string {
  const extent = path.replace(/^.*\//, '').replace(/\.vmdk$/, '-flat.vmdk');
  const sectors = capacityBytes / 512;
  return `# Disk DescriptorFile
version=1
encoding="UTF-8"
CID=3b1f20c9
parentCID=ffffffff
createType="vmfs"

# Extent description
RW ${sectors} VMFS "${extent}"

# The Disk Data Base
#DDB

ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "${Math.max(1, Math.floor(sectors / 63 / 255))}"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.longContentID = "b2d7a9e04c0f4f5c8a1d6c123b1f20c9"
ddb.thinProvisioned = "${isThin ? 1 : 0}"
ddb.uuid = "60 00 C2 9b 1c 5d 3e 77-0a 4f 2d 18 94 66 b3 0e"
ddb.virtualHWVersion = "19"
`;
}
