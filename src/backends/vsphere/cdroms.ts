/** Takes the CD-ROM drives out of a VM. */
import { xmlNode } from '#kernel/xml-writer.ts';
import { operation, typedNode, type ManagedObject } from './managed-object.ts';
import { retrieveOne } from './property-collector.ts';
import type { VSphereSession } from './session.ts';
import { runTask } from './tasks.ts';
import { readCdroms } from './vm-devices.ts';
import { vmGone } from './vm-details.ts';

/** How many there were. */
export async function removeCdroms(
  session: VSphereSession,
  vm: ManagedObject,
  signal: AbortSignal,
): Promise<number> {
  const found = await retrieveOne(session, vm, ['config.hardware.device'], signal);
  if (found === undefined) throw vmGone(vm.id);
  const drives = readCdroms(found.element('config.hardware.device')?.children ?? []);
  if (drives.length === 0) return 0;
  const changes = drives.map(({ key }) =>
    xmlNode(
      'deviceChange',
      {},
      xmlNode('operation', {}, 'remove'),
      typedNode('device', 'VirtualCdrom', xmlNode('key', {}, key)),
    ),
  );
  const spec = xmlNode('spec', {}, ...changes);
  await runTask(session, operation('ReconfigVM_Task', vm, spec), signal);
  return drives.length;
}
