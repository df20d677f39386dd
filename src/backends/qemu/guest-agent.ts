/**
 * Asks the agent in the guest (qemu-ga, or one that speaks its protocol) to power off. A guest
 * without an agent never answers, so the wait is short; what was written to it stays in the
 * channel, which is why the request follows only on an answer to `guest-sync`.
 */
import { connect } from 'node:net';

import { openDeadline, untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { randomHex } from '#kernel/random.ts';
import type { MachineDirectory } from './machine-directory.ts';
import { AGENT_SOCKET } from './machine-files.ts';

const ANSWER_MS = 200;
const MOST_ANSWER_BYTES = 64 * 1024;

/** Whether an agent answered and was asked. */
export async function askAgentToPowerOff(
  directory: MachineDirectory,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  using deadline = openDeadline(clock, ANSWER_MS, 'asking the guest agent', signal);
  try {
    return await directory.withSocket(AGENT_SOCKET, (path) => ask(path, deadline.signal));
  } catch {
    // No agent, or none that answers in time: the power button has been pressed anyway.
    signal.throwIfAborted();
    return false;
  }
}

async function ask(path: string, signal: AbortSignal): Promise<boolean> {
  const socket = connect({ path });
  const answered = Promise.withResolvers<boolean>();
  const id = Number.parseInt(randomHex(4), 16);
  let received = '';
  socket.on('error', () => answered.resolve(false));
  socket.on('close', () => answered.resolve(false));
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    if (received.length > MOST_ANSWER_BYTES) answered.resolve(false);
    else if (new RegExp(`"return"\\s*:\\s*${id}\\b`).test(received)) answered.resolve(true);
  });
  socket.write(`${JSON.stringify({ execute: 'guest-sync', arguments: { id } })}\n`);
  try {
    if (!(await untilAborted(answered.promise, signal))) return false;
    // The agent answers nothing to this: it is on its way down.
    const request = { execute: 'guest-shutdown', arguments: { mode: 'powerdown' } };
    await new Promise<void>((resolve) => {
      socket.write(`${JSON.stringify(request)}\n`, () => resolve());
    });
    return true;
  } finally {
    socket.destroy();
  }
}
