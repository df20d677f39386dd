import { invalidArgument } from '#kernel/errors.ts';
import { isMachineId, type MachineId } from '#kernel/ids.ts';

export function parseVmId(text: string, field = 'vm_id'): MachineId {
  if (isMachineId(text)) return text;
  throw invalidArgument(
    field,
    text === '' ? 'is required' : "must be 1 to 64 letters, digits, '-' and '_'",
  );
}
