/** For what tells nobody when it is done: looks again and again, every few milliseconds. */
import { setTimeout as delay } from 'node:timers/promises';

const PATIENCE_MS = 20_000;

/** Answers the first value that is not undefined. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string,
): Promise<T> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`still waiting for ${what}`);
    await delay(2);
  }
}
