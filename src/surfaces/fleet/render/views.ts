/** What each path below a server answers: the whole of it, and its parts. */
import type { ServerSnapshot } from '#fleet/server-snapshot.ts';
import {
  countGuests,
  cpuToJson,
  diskRatesToJson,
  diskToJson,
  filesystemToJson,
  gpuToJson,
  guestToJson,
  hypervisorToJson,
  interfaceToJson,
  memoryToJson,
  pressureToJson,
  qdrantToJson,
  sourceToJson,
  statusToJson,
  sumFilesystems,
} from './parts.ts';
import { serverToLines } from './server-lines.ts';

type View = (snapshot: ServerSnapshot) => object;

const NO_GPU = 'No GPU metrics available';
const NO_QDRANT = 'Qdrant metrics not available';

/** What every server has. */
function commonToJson(snapshot: ServerSnapshot) {
  const { cpu, memory, filesystems = [], network = [] } = snapshot.reading;
  return {
    server_status: statusToJson(snapshot),
    cpu: cpuToJson(cpu),
    memory: memoryToJson(memory),
    disks: filesystems.map(diskToJson),
    network: network.map(interfaceToJson),
  };
}

export function aiToJson(snapshot: ServerSnapshot) {
  return { ...commonToJson(snapshot), gpu: firstGpu(snapshot) };
}

export function appToJson(snapshot: ServerSnapshot) {
  const { hypervisor, guests } = snapshot.reading;
  return {
    ...commonToJson(snapshot),
    proxmox_host: hypervisorToJson(hypervisor, guests),
    vms: (guests ?? []).map(guestToJson),
  };
}

export function storageToJson(snapshot: ServerSnapshot) {
  const { filesystems = [], qdrant } = snapshot.reading;
  return {
    ...commonToJson(snapshot),
    filesystems: filesystems.map(filesystemToJson),
    qdrant: qdrant === undefined ? null : qdrantToJson(qdrant),
  };
}

/** All of the others, and what has no place in the document. */
export function anyToJson(snapshot: ServerSnapshot) {
  const { server, sources, alerts, revision, reading } = snapshot;
  return {
    ...{ id: server.id, name: server.name, roles: server.roles, origin: server.origin },
    ...{ ...appToJson(snapshot), ...storageToJson(snapshot), ...aiToJson(snapshot) },
    gpus: (reading.gpus ?? []).map(gpuToJson),
    sensors: reading.sensors ?? [],
    pressure: pressureToJson(reading.pressure),
    disk_io: (reading.disks ?? []).map(diskRatesToJson),
    sources: sources.map(sourceToJson),
    ...{ alerts, revision },
  };
}

function firstGpu({ reading }: ServerSnapshot): object | null {
  const [gpu] = reading.gpus ?? [];
  return gpu === undefined ? null : gpuToJson(gpu);
}

function withStatus(view: View): View {
  return (snapshot) => ({ ...view(snapshot), server_status: statusToJson(snapshot) });
}

export const PARTS = {
  cpu: withStatus(({ reading }) => ({ cpu: cpuToJson(reading.cpu) })),
  memory: withStatus(({ reading }) => ({ memory: memoryToJson(reading.memory) })),
  storage: withStatus(({ reading }) => ({ disks: (reading.filesystems ?? []).map(diskToJson) })),
  network: withStatus(({ reading }) => ({
    network: (reading.network ?? []).map(interfaceToJson),
  })),
  gpu: withStatus((snapshot) => {
    const gpu = firstGpu(snapshot);
    return gpu === null ? { gpu, message: NO_GPU } : { gpu };
  }),
  proxmox: withStatus(({ reading }) => ({
    proxmox_host: hypervisorToJson(reading.hypervisor, reading.guests),
  })),
  vms: withStatus(({ reading: { guests } }) => ({
    vms: (guests ?? []).map(guestToJson),
    ...countGuests(guests),
  })),
  filesystems: withStatus(({ reading: { filesystems } }) => ({
    filesystems: (filesystems ?? []).map(filesystemToJson),
    ...sumFilesystems(filesystems),
  })),
  qdrant: withStatus(({ reading: { qdrant } }) =>
    qdrant === undefined ? { qdrant: null, message: NO_QDRANT } : { qdrant: qdrantToJson(qdrant) },
  ),
  prometheus: withStatus((snapshot) => ({ metrics: serverToLines(snapshot) })),
} as const satisfies Record<string, View>;
