import { toIsoTime } from '#kernel/clock.ts';
import type { Disk } from '#machines/disk.ts';

export function diskToJson(disk: Disk): object {
  const { id, customerId, name, format, sizeBytes, sha256, state } = disk;
  return {
    ...{ id, customer_id: customerId, name, format, size_bytes: sizeBytes },
    ...{ sha256: sha256 ?? null, state, offset: disk.receivedBytes },
    checked_bytes: disk.checkedBytes ?? null,
    path: state === 'ready' ? disk.path : null,
    created_at: toIsoTime(disk.createdAt),
    error: disk.failure ?? null,
  };
}
