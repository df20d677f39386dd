/** Both ends of a link: over a real medium, or in memory, where the test says what arrives when. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import type { Frame, Link } from '#workers/wire/frames.ts';
import { PortLink } from '#workers/wire/port-link.ts';
import { SocketLink } from '#workers/wire/socket-link.ts';

export interface LinkPair extends AsyncDisposable {
  readonly pool: Link;
  readonly member: Link;
}

/** Two sockets that are connected to each other. */
export async function openSocketPair(): Promise<readonly [Socket, Socket]> {
  const folder = await mkdtemp(join(tmpdir(), 'drover-wire-'));
  const server = createServer();
  try {
    const path = join(folder, 'socket');
    server.listen(path);
    await once(server, 'listening');
    const near = connect(path);
    const [far] = (await once(server, 'connection')) as [Socket];
    return [near, far];
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
}

export async function openSocketLinks(): Promise<LinkPair> {
  const [near, far] = await openSocketPair();
  return closing(new SocketLink(near), new SocketLink(far));
}

export function openPortLinks(): Promise<LinkPair> {
  const { port1, port2 } = new MessageChannel();
  return Promise.resolve(closing(new PortLink(port1), new PortLink(port2)));
}

/** Resolves with why it broke. */
export function closed(link: Link): Promise<Error | undefined> {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  link.onClose(resolve);
  return promise;
}

function closing(pool: Link, member: Link): LinkPair {
  return {
    pool,
    member,
    async [Symbol.asyncDispose]() {
      pool.close();
      member.close();
      await Promise.all([closed(pool), closed(member)]);
    },
  };
}

/** The same numbers from 0 to 1 for the same seed. */
export function createNoise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** One end of a link in memory. What is sent waits until the test hands it to the other end. */
export class MemoryLink implements Link {
  readonly sent: Frame[] = [];
  error: Error | undefined;
  #receiver: ((frame: Frame) => void) | undefined;

  send(frame: Frame): void {
    this.sent.push(frame);
  }

  receive(handle: (frame: Frame) => void): void {
    this.#receiver = handle;
  }

  onClose(): void {
    // It never closes by itself.
  }

  close(error?: Error): void {
    this.error = error;
  }

  /** Hands over the next frame that the other end sent. False: there is none. */
  take(other: MemoryLink): boolean {
    const frame = other.sent.shift();
    if (frame === undefined) return false;
    this.give(frame);
    return true;
  }

  give(frame: Frame): void {
    this.#receiver?.(frame);
  }
}
