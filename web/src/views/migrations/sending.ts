/** Files on their way to the server. They go on while one looks at other views. */
import { toApiError } from '#web/api/api-error.ts';
import { queryClient } from '#web/api/query-client.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { sendFile } from '#web/api/send-file.ts';
import { Store } from '#web/api/store.ts';
import { rateOf, markDisks, type DiskMarks } from './disk-rates.ts';

export interface Sending {
  readonly name: string;
  readonly sentBytes: number;
  readonly totalBytes: number;
  readonly bytesPerS: number | null;
  /** Why it did not arrive. */
  readonly error: string | undefined;
  readonly stop: () => void;
}

export const sendings = new Store<readonly Sending[]>([]);
const TELL_MS = 250;

/** Never rejects; one file after the other, so that each comes soon. */
export async function sendFiles(
  files: readonly File[],
  onSent: (name: string) => void,
): Promise<void> {
  const waiting = files.map((file) => ({ file, controller: new AbortController() }));
  sendings.set([
    ...sendings.value.filter(({ name }) => !files.some((file) => file.name === name)),
    ...waiting.map(({ file, controller }) => ({
      ...{ name: file.name, sentBytes: 0, totalBytes: file.size, bytesPerS: null },
      ...{ error: undefined, stop: () => stop(file.name, controller) },
    })),
  ]);
  for (const { file, controller } of waiting) {
    if (!controller.signal.aborted) await sendOne(file, controller.signal, onSent);
  }
}

export function dismissSending(name: string): void {
  sendings.set(sendings.value.filter((each) => each.name !== name));
}

function stop(name: string, controller: AbortController): void {
  controller.abort();
  dismissSending(name);
}

async function sendOne(
  file: File,
  signal: AbortSignal,
  onSent: (name: string) => void,
): Promise<void> {
  const { name, size } = file;
  let marks: DiskMarks = new Map();
  let toldMs = 0;
  const onProgress = (sentBytes: number) => {
    const nowMs = Date.now();
    if (nowMs - toldMs < TELL_MS) return;
    toldMs = nowMs;
    marks = markDisks(marks, [{ name, current_bytes: sentBytes, total_bytes: size }], nowMs);
    change(name, { sentBytes, bytesPerS: rateOf(marks.get(name), nowMs) });
  };
  try {
    await sendFile({ path: `/uploads/${encodeURIComponent(name)}`, file, signal, onProgress });
    dismissSending(name);
    onSent(name);
  } catch (thrown) {
    change(name, { error: toApiError(thrown).message, bytesPerS: null });
  }
  for (const queryKey of [queryKeys.uploads, queryKeys.sourceVms]) {
    void queryClient.invalidateQueries({ queryKey });
  }
}

function change(name: string, changes: Partial<Sending>): void {
  sendings.set(sendings.value.map((each) => (each.name === name ? { ...each, ...changes } : each)));
}
