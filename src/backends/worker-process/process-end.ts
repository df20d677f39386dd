/** How a process left, in a sentence for the owner of the app. */
import { formatBytes } from '#kernel/units.ts';
import type { MemberEnd } from '#workers/member.ts';

export interface ProcessEnding {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** V8 wrote that its heap was full before it gave up. */
  readonly isOutOfHeap: boolean;
  readonly maxMemoryBytes: number;
}

export function describeEnd(ending: ProcessEnding): MemberEnd {
  const { exitCode, signal } = ending;
  return {
    exitCode: exitCode ?? undefined,
    signal: signal ?? undefined,
    message: toSentence(ending),
  };
}

function toSentence({ exitCode, signal, isOutOfHeap, maxMemoryBytes }: ProcessEnding): string {
  if (isOutOfHeap) return `it ran out of memory; its heap may have ${formatBytes(maxMemoryBytes)}`;
  if (signal !== null) return `it was ended by ${signal}`;
  return exitCode === 0 ? 'it exited by itself' : `it exited with code ${exitCode ?? 'unknown'}`;
}

export function isHeapFailure(line: string): boolean {
  return line.includes('JavaScript heap out of memory');
}
