/**
 * Waits for signs of life of a machine: its console says that it is up, or it has run for a while
 * although nobody knows what its console should say. One that stops is not waited for.
 */
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import type { ConsoleLog } from '#machines/hypervisor.ts';
import type { Machine } from '#machines/machine.ts';

export interface BootWatchParts {
  readonly clock: Clock;
  readonly machine: () => Promise<Pick<Machine, 'state' | 'stateMessage'>>;
  readonly console: Pick<ConsoleLog, 'read'>;
  /** Undefined: a login prompt, or merely to go on running. */
  readonly readyText: string | undefined;
}

const POLL_MS = SECOND_MS;
/** As much of the end of the console is looked at. */
const MOST_BYTES = 256 * 1024;
const MOST_HINT = 200;
const LOGIN = 'login:';
/** Firmware that finds nothing to boot runs too, so this is a weak sign. */
const RUNS_LONG_MS = MINUTE_MS;

export async function awaitLife(
  parts: BootWatchParts,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string> {
  const { clock } = parts;
  const startedMs = clock.monotonicMs();
  using deadline = openDeadline(clock, timeoutMs, 'the boot of the guest', signal);
  try {
    for (;;) {
      const sign = await look(parts, clock.monotonicMs() - startedMs);
      if (sign !== undefined) return sign;
      await clock.sleep(POLL_MS, deadline.signal);
    }
  } catch (thrown) {
    signal.throwIfAborted();
    if (deadline.signal.aborted) throw await silent(parts, timeoutMs);
    throw thrown;
  }
}

async function look(parts: BootWatchParts, ranMs: number): Promise<string | undefined> {
  const { readyText } = parts;
  // Before the console: what it says stays there when the guest has stopped.
  const { state, stateMessage } = await parts.machine();
  const awaited = readyText ?? LOGIN;
  if ((await endOf(parts)).includes(awaited)) return `the console says ${JSON.stringify(awaited)}`;
  if (state !== 'running') {
    const hint = await hintOf(parts);
    const text = `the guest stopped before it showed signs of life: ${stateMessage}${hint}`;
    throw new DroverError('failed_precondition', text, { reason: 'GUEST_STOPPED' });
  }
  if (readyText !== undefined || ranMs < RUNS_LONG_MS) return undefined;
  return `it has been running for ${RUNS_LONG_MS / SECOND_MS} s`;
}

async function endOf({ console }: BootWatchParts): Promise<string> {
  const { data } = await console.read(-MOST_BYTES, MOST_BYTES);
  return new TextDecoder().decode(data);
}

async function silent(parts: BootWatchParts, timeoutMs: number): Promise<DroverError> {
  const awaited = JSON.stringify(parts.readyText ?? LOGIN);
  const text =
    `the guest showed no sign of life within ${timeoutMs / SECOND_MS} s: ` +
    `its console has not said ${awaited}${await hintOf(parts)}`;
  return new DroverError('deadline_exceeded', text, { reason: 'GUEST_SILENT' });
}

async function hintOf(parts: BootWatchParts): Promise<string> {
  const lines = (await endOf(parts)).split(/[\r\n]+/);
  const last = lines.findLast((line) => line.trim() !== '')?.trim();
  if (last === undefined) return '';
  const plain = last.replaceAll(/\p{Cc}/gu, '');
  return `; the last line of its console is ${JSON.stringify(plain.slice(-MOST_HINT))}`;
}
