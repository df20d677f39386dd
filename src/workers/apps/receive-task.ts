/** Names the task that receives an app, without loading what only its thread needs. */
import type { AppPolicy } from './app-policy.ts';
import type { AppManifest } from './app.ts';
import type { UnpackInput, UnpackResult } from './unpack-archive.ts';

export interface ReceiveInput extends UnpackInput {
  readonly policy: AppPolicy;
}

export interface ReceivedApp extends UnpackResult {
  readonly manifest: AppManifest;
}

/** For `run` of the pool. */
export const RECEIVE_TASK = {
  module: new URL('receive-app.ts', import.meta.url).href,
  name: 'receiveApp',
} as const;
