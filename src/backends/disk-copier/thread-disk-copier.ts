/** Copies disks in threads of the worker pool. */
import type {
  CopierCall,
  CopyOutcome,
  CopyProgress,
  CopyRequest,
  DiskCopier,
  HashRequest,
  VerifyOutcome,
  VerifyRequest,
} from '#transfers/disk-copier.ts';
import type { DiskFeed } from '#transfers/disk-feed.ts';
import { TRANSFERS_KEY, type AppKey } from '#workers/worker-app.ts';
import { removeCopyState } from './copy-state.ts';

const MODULE = new URL('copy-task.ts', import.meta.url).href;

/** As much of the pool as is used here. */
export interface TaskThreads {
  run<Output>(
    task: { readonly module: string; readonly name: string },
    input: unknown,
    options: {
      readonly key: AppKey;
      readonly signal: AbortSignal;
      readonly onProgress: (value: unknown) => void;
    },
  ): Promise<Output>;
}

export class ThreadDiskCopier implements DiskCopier {
  readonly #threads: TaskThreads;

  constructor(threads: TaskThreads) {
    this.#threads = threads;
  }

  async copy(request: CopyRequest, call: CopierCall<CopyProgress>): Promise<CopyOutcome> {
    return await this.#run('copyDiskTask', request, call);
  }

  async verify(request: VerifyRequest, call: CopierCall<number>): Promise<VerifyOutcome> {
    return await this.#run('verifyDiskTask', request, call);
  }

  async hash(
    request: HashRequest,
    signal: AbortSignal,
    onProgress: (doneBytes: number) => void = () => undefined,
  ): Promise<string> {
    return await this.#run('hashFileTask', request, { signal, onProgress });
  }

  async measure(feed: DiskFeed, signal: AbortSignal): Promise<number> {
    return await this.#run('measureDiskTask', feed, { signal, onProgress: () => undefined });
  }

  async settle(path: string): Promise<void> {
    await removeCopyState(path);
  }

  #run<Output, Progress>(
    name: string,
    input: unknown,
    { signal, onProgress }: CopierCall<Progress>,
  ): Promise<Output> {
    return this.#threads.run<Output>({ module: MODULE, name }, input, {
      ...{ key: TRANSFERS_KEY, signal },
      onProgress: (value) => onProgress(value as Progress),
    });
  }
}
