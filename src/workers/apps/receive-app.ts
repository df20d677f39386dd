/**
 * Unpacks an upload and reads its manifest: a task for a thread. A manifest that nobody has looked
 * at yet can take seconds to parse, if somebody wants it to, which a thread may and the server
 * may not. What has passed here once is harmless to read again at the next start.
 */
import { join } from 'node:path';
import type { TaskContext } from '#workers/wire/task-context.ts';
import { readManifest } from './manifest-file.ts';
import type { ReceivedApp, ReceiveInput } from './receive-task.ts';
import { unpackArchive } from './unpack-archive.ts';

export async function receiveApp(
  { policy, ...input }: ReceiveInput,
  context: Pick<TaskContext, 'signal' | 'progress'>,
): Promise<ReceivedApp> {
  const unpacked = await unpackArchive(input, context);
  const manifest = await readManifest(join(input.directory, unpacked.root), policy);
  return { ...unpacked, manifest };
}
