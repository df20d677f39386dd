/**
 * Unpacks an upload and reads its manifest: a task for a thread. A manifest that nobody has looked
 * at yet can take seconds to parse, if somebody wants it to, which a thread may and the server
 * may not. What has passed here once is harmless to read again at the next start.
 */
import { join } from 'node:path';
import type { TaskContext } from '#workers/wire/task-context.ts';
import type { AppPolicy } from './app-policy.ts';
import type { AppManifest } from './app.ts';
import { readManifest } from './manifest-file.ts';
import { unpackArchive, type UnpackInput, type UnpackResult } from './unpack-archive.ts';

export interface ReceiveInput extends UnpackInput {
  readonly policy: AppPolicy;
}

export interface ReceivedApp extends UnpackResult {
  readonly manifest: AppManifest;
}

/** For `run` of the pool. */
export const RECEIVE_TASK = { module: import.meta.url, name: 'receiveApp' } as const;

export async function receiveApp(
  { policy, ...input }: ReceiveInput,
  context: Pick<TaskContext, 'signal' | 'progress'>,
): Promise<ReceivedApp> {
  const unpacked = await unpackArchive(input, context);
  const manifest = await readManifest(join(input.directory, unpacked.root), policy);
  return { ...unpacked, manifest };
}
