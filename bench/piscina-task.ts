/** What piscina's threads run: as pool-task.ts, with its own way to hand a buffer over. */
import { move } from 'piscina';

export function empty(): undefined {
  return undefined;
}

export function echo(buffer: ArrayBuffer): unknown {
  return move(buffer);
}
