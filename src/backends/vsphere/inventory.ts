/**
 * All VMs of a server with their paths, from one view over everything that has a name in a path:
 * a few calls, and one more for each 500 objects. VMs of a vApp have it in their path, as
 * vSphere's own search has it.
 */
import { DroverError } from '#kernel/errors.ts';
import { nearest } from '#kernel/nearest.ts';
import { xmlNode } from '#kernel/xml-writer.ts';
import type { PowerState, VmSummary } from '#transfers/source-vm.ts';
import type { ListOptions } from '#transfers/source.ts';
import {
  decodeName,
  expectReference,
  operation,
  readReference,
  reference,
  type ManagedObject,
} from './managed-object.ts';
import {
  retrievePages,
  selectAgain,
  traversal,
  type PropertyBag,
  type PropertySet,
} from './property-collector.ts';
import type { VSphereCaller, VSphereSession } from './session.ts';
import { createPathMatcher, lastSegment, toSegment } from './vm-path.ts';

const SUMMARY_PATHS: readonly string[] = [
  'runtime.powerState',
  'runtime.host',
  'config.template',
  'config.hardware.numCPU',
  'config.hardware.memoryMB',
  'config.guestFullName',
  'guest.ipAddress',
  'summary.storage.committed',
];
const PLACE_SETS: readonly PropertySet[] = [
  { type: 'Folder', paths: ['name', 'parent'] },
  { type: 'Datacenter', paths: ['name', 'parent'] },
  { type: 'VirtualApp', paths: ['name', 'parent', 'parentFolder'] },
];
const HOST_SET: PropertySet = { type: 'HostSystem', paths: ['name'] };
const VM_PLACE: readonly string[] = ['name', 'parent', 'parentVApp'];
/** Folders do not nest so deep; whoever claims that they do is not followed. */
const MOST_DEPTH = 200;
const MOST_SUGGESTIONS = 3;
/** How many names are compared with one that was mistyped. */
const MOST_COMPARED = 5000;

export async function listVms(
  session: VSphereSession,
  { datacenter, pattern }: ListOptions,
  signal: AbortSignal,
): Promise<readonly VmSummary[]> {
  const matches = pattern === undefined ? () => true : createPathMatcher(pattern);
  const vmSet = { type: 'VirtualMachine', paths: [...VM_PLACE, ...SUMMARY_PATHS] };
  const tree = await readTree(session, [vmSet, ...PLACE_SETS, HOST_SET], signal);
  const within = datacenter === undefined ? undefined : tree.findDatacenter(datacenter);
  return tree.vms.flatMap((vm) => {
    const path = tree.pathOf(vm.object);
    if (within !== undefined && !path.startsWith(`${within}/`)) return [];
    return matches(path) ? [readSummary(vm, path, tree)] : [];
  });
}

/**
 * Looks the path up as it is, then within the datacenter, then, if it is but a name, by that. Only
 * what is not found so costs a list, for the names that come near.
 */
export async function findVmByPath(
  session: VSphereSession,
  path: string,
  datacenter: string | undefined,
  signal: AbortSignal,
): Promise<ManagedObject> {
  const tries = [path];
  if (datacenter !== undefined) tries.push(`${datacenter}/vm/${path}`, `${datacenter}/${path}`);
  for (const one of tries) {
    const found = await findByInventoryPath(session, one, signal);
    if (found?.type === 'VirtualMachine') return found;
  }
  const vmSet = { type: 'VirtualMachine', paths: VM_PLACE };
  const tree = await readTree(session, [vmSet, ...PLACE_SETS], signal);
  const known = tree.vms.map((vm) => ({ ref: vm.object, path: tree.pathOf(vm.object) }));
  const name = lastSegment(path);
  const namesakes = known.filter((one) => lastSegment(one.path) === name);
  const [only] = namesakes;
  if (!path.includes('/') && only !== undefined && namesakes.length === 1) return only.ref;
  const paths = known.map((one) => one.path);
  throw vmNotFound(
    path,
    suggest(
      path,
      paths,
      namesakes.map((one) => one.path),
    ),
  );
}

async function findByInventoryPath(
  caller: VSphereCaller,
  path: string,
  signal: AbortSignal,
): Promise<ManagedObject | undefined> {
  const inventoryPath = xmlNode('inventoryPath', {}, path);
  const ask = operation('FindByInventoryPath', caller.content.searchIndex, inventoryPath);
  return readReference((await caller.read(ask, signal)).child('returnval'));
}

function suggest(
  path: string,
  paths: readonly string[],
  namesakes: readonly string[],
): readonly string[] {
  if (namesakes.length > 0) return namesakes.slice(0, MOST_SUGGESTIONS);
  const some = paths.slice(0, MOST_COMPARED);
  const name = nearest(lastSegment(path), some.map(lastSegment));
  const alike = some.filter((one) => lastSegment(one) === name);
  return alike.slice(0, MOST_SUGGESTIONS);
}

function vmNotFound(path: string, suggestions: readonly string[]): DroverError {
  const shown = path.length > 200 ? `${path.slice(0, 200)}…` : path;
  const hint = suggestions.length === 0 ? '' : `; did you mean ${suggestions.join(' or ')}?`;
  return new DroverError('not_found', `vm_path: there is no VM ${shown}${hint}`, {
    reason: 'SOURCE_VM_NOT_FOUND',
    metadata: { field: 'vm_path' },
  });
}

/** The path of a VM and its datacenter, from the objects above it: one call. */
export async function locateVm(
  caller: VSphereCaller,
  vm: ManagedObject,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly datacenter: string | undefined }> {
  const tree = new InventoryTree(caller.content.rootFolder.id);
  const up = 'up';
  const above = { type: 'ManagedEntity', path: 'parent' };
  const again = selectAgain(up);
  const traversals = [
    traversal(up, above, again),
    traversal('vapp', { type: 'VirtualMachine', path: 'parentVApp' }, again),
    traversal('folder', { type: 'VirtualApp', path: 'parentFolder' }, again),
  ];
  const sets = [{ type: 'VirtualMachine', paths: VM_PLACE }, ...PLACE_SETS];
  const pages = retrievePages(caller, [{ object: vm, traversals }], sets, signal);
  for await (const page of pages) tree.add(page);
  return { path: tree.pathOf(vm), datacenter: tree.datacenterOf(vm) };
}

async function readTree(
  session: VSphereSession,
  sets: readonly PropertySet[],
  signal: AbortSignal,
): Promise<InventoryTree> {
  return await session.withinOneLogin(async (caller) => {
    const { rootFolder, viewManager } = caller.content;
    const create = operation(
      'CreateContainerView',
      viewManager,
      reference('container', rootFolder),
      ...sets.map((set) => xmlNode('type', {}, set.type)),
      xmlNode('recursive', {}, true),
    );
    const created = await caller.read(create, signal);
    const view = expectReference(created.child('returnval'), 'the view');
    const tree = new InventoryTree(rootFolder.id);
    try {
      const inView = traversal('view', { type: 'ContainerView', path: 'view' });
      const from = [{ object: view, isSkipped: true, traversals: [inView] }];
      for await (const page of retrievePages(caller, from, sets, signal)) tree.add(page);
    } finally {
      const destroy = operation('DestroyView', view);
      void session.afterwards('destroy a view', (late) => session.read(destroy, late));
    }
    return tree;
  }, signal);
}

interface Place {
  readonly type: string;
  readonly name: string;
  readonly parentId: string | undefined;
}

class InventoryTree {
  readonly vms: PropertyBag[] = [];
  readonly #rootId: string;
  readonly #places = new Map<string, Place>();

  constructor(rootId: string) {
    this.#rootId = rootId;
  }

  add(page: readonly PropertyBag[]): void {
    for (const bag of page) {
      const { type, id } = bag.object;
      const parent =
        bag.reference('parentFolder') ?? bag.reference('parent') ?? bag.reference('parentVApp');
      const name = bag.text('name') ?? id;
      this.#places.set(id, { type, name, parentId: parent?.id });
      if (type === 'VirtualMachine') this.vms.push(bag);
    }
  }

  nameOf(object: ManagedObject | undefined): string | undefined {
    const place = object === undefined ? undefined : this.#places.get(object.id);
    return place === undefined ? undefined : decodeName(place.name);
  }

  pathOf(object: ManagedObject): string {
    return this.#pathOfId(object.id);
  }

  datacenterOf(object: ManagedObject): string | undefined {
    let id: string | undefined = object.id;
    for (let depth = 0; id !== undefined && depth < MOST_DEPTH; depth += 1) {
      const place: Place | undefined = this.#places.get(id);
      if (place?.type === 'Datacenter') return this.#pathOfId(id);
      id = place?.parentId;
    }
    return undefined;
  }

  /** Its path; by name where no other has the same. */
  findDatacenter(wanted: string): string {
    const all = [...this.#places]
      .filter(([, place]) => place.type === 'Datacenter')
      .map(([id]) => this.#pathOfId(id));
    const path = wanted.replace(/^\/+|\/+$/g, '');
    const exact = all.find((one) => one === path);
    const found = exact ?? all.find((one) => lastSegment(one) === path);
    if (found !== undefined) return found;
    const known = all.slice(0, 10).join(', ');
    throw new DroverError(
      'not_found',
      `datacenter: there is no ${wanted.slice(0, 200)}; there is ${known || 'none'}`,
      { reason: 'DATACENTER_NOT_FOUND', metadata: { field: 'datacenter' } },
    );
  }

  #pathOfId(start: string): string {
    const names: string[] = [];
    let id: string | undefined = start;
    while (id !== undefined && id !== this.#rootId && names.length < MOST_DEPTH) {
      const place = this.#places.get(id);
      // What lies above is not to be seen by this user.
      if (place === undefined) break;
      names.push(toSegment(place.name));
      id = place.parentId;
    }
    return names.reverse().join('/');
  }
}

export function readSummary(
  vm: PropertyBag,
  path: string,
  hosts: { nameOf(object: ManagedObject | undefined): string | undefined },
): VmSummary {
  return {
    ref: vm.object.id,
    name: decodeName(vm.text('name') ?? vm.object.id),
    path,
    powerState: readPowerState(vm.text('runtime.powerState')),
    isTemplate: vm.boolean('config.template') ?? false,
    cpus: vm.number('config.hardware.numCPU'),
    memoryMib: vm.number('config.hardware.memoryMB'),
    storageBytes: vm.number('summary.storage.committed'),
    guestOs: vm.text('config.guestFullName'),
    ipAddress: vm.text('guest.ipAddress'),
    host: hosts.nameOf(vm.reference('runtime.host')),
  };
}

export const VM_SUMMARY_PATHS: readonly string[] = ['name', ...SUMMARY_PATHS];

export function readPowerState(text: string | undefined): PowerState {
  return text === 'poweredOn' || text === 'suspended' ? text : 'poweredOff';
}
