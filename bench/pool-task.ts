/** What the threads of our pool run for `pool-tasks`. */
import type { TaskContext } from '#workers/wire/task-context.ts';

export function empty(): undefined {
  return undefined;
}

export function echo(buffer: ArrayBuffer, context: TaskContext): ArrayBuffer {
  return context.transfer(buffer, [buffer]);
}
