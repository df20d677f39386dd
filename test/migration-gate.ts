/**
 * A socket in front of libvirtd's own at which calls can be held back, before libvirtd hears of
 * them or before the client hears its answer. Closed, it is as if libvirtd were gone.
 *
 *   virsh ──▶ gate ──▶ libvirtd
 *         ◀──      ◀──
 */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Numbers of libvirt's protocol, which do not change. */
export const PROCEDURES = {
  listDomains: 273,
  define: 350,
  start: 9,
} as const;
export type Procedure = keyof typeof PROCEDURES;

interface Hold {
  readonly procedure: number;
  readonly side: 'call' | 'answer';
  readonly reached: PromiseWithResolvers<void>;
  readonly released: PromiseWithResolvers<void>;
  isUsed: boolean;
}

export interface Held extends Disposable {
  /** Resolves when a call waits here. */
  reached(): Promise<void>;
}

const HEAD_BYTES = 16;
const PATIENCE_MS = 60_000;

export class LibvirtGate implements AsyncDisposable {
  readonly #path: string;
  readonly #target: string;
  readonly #holds: Hold[] = [];
  readonly #sockets = new Set<Socket>();
  #server = createServer();

  private constructor(path: string, target: string) {
    this.#path = path;
    this.#target = target;
  }

  static async open(path: string, uri: string): Promise<LibvirtGate> {
    const gate = new LibvirtGate(path, new URL(uri).searchParams.get('socket') ?? '');
    await gate.start();
    return gate;
  }

  get uri(): string {
    return `qemu+unix:///session?socket=${this.#path}`;
  }

  /** The next such call, or its answer, waits until this is disposed, and never arrives. */
  hold(name: Procedure, side: Hold['side']): Held {
    const [reached, released] = [
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
    ] as const;
    const hold: Hold = {
      ...{ procedure: PROCEDURES[name], side, reached, released },
      isUsed: false,
    };
    this.#holds.push(hold);
    return {
      reached: async () => {
        const late = new AbortController();
        const tooLate = async () => {
          await delay(PATIENCE_MS, undefined, { signal: late.signal });
          throw new Error(`nobody asked libvirt for ${name}`);
        };
        await Promise.race([reached.promise, tooLate()]).finally(() => late.abort());
      },
      [Symbol.dispose]: () => {
        hold.isUsed = true;
        released.resolve();
      },
    };
  }

  async start(): Promise<void> {
    await rm(this.#path, { force: true });
    this.#server = createServer((client) => this.#join(client));
    this.#server.listen(this.#path);
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { released } of this.#holds) released.resolve();
    await this.stop();
  }

  #join(client: Socket): void {
    const daemon = connect(this.#target);
    const pair = [client, daemon] as const;
    for (const socket of pair) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        for (const each of pair) each.destroy();
      });
    }
    void this.#pass(client, daemon, 'call');
    void this.#pass(daemon, client, 'answer');
  }

  async #pass(from: Socket, to: Socket, side: Hold['side']): Promise<void> {
    let waiting = Buffer.alloc(0);
    try {
      for await (const bytes of from) {
        waiting = Buffer.concat([waiting, bytes as Buffer]);
        for (;;) {
          const length = waiting.length < HEAD_BYTES ? Infinity : waiting.readUInt32BE(0);
          if (waiting.length < length) break;
          const hold = this.#findHold(waiting.readUInt32BE(12), side);
          if (hold !== undefined) {
            hold.isUsed = true;
            hold.reached.resolve();
            await hold.released.promise;
            throw new Error('held back to the end');
          }
          to.write(waiting.subarray(0, length));
          waiting = waiting.subarray(length);
        }
      }
      to.end();
    } catch {
      // Whoever is left of the two sees it as well.
      to.destroy();
    }
  }

  #findHold(procedure: number, side: Hold['side']): Hold | undefined {
    return this.#holds.find(
      (each) => !each.isUsed && each.procedure === procedure && each.side === side,
    );
  }
}
