/** Compresses clusters on the threads of libuv, several at once, and gives them back in order. */
import { promisify } from 'node:util';
import { deflateRaw, type InputType, type ZlibOptions } from 'node:zlib';
import { CLUSTER_BYTES } from './qcow2-writer-layout.ts';

const deflate = promisify<InputType, ZlibOptions, Buffer>(deflateRaw);

/** The window that those who read qcow2 have for it. */
const WINDOW_BITS = 12;
const MEM_LEVEL = 9;
const MOST_AT_ONCE = 8;
/** What shrinks by less is not worth the time that whoever reads it would need. */
const WORTH_BYTES = CLUSTER_BYTES - CLUSTER_BYTES / 16;

export interface PressedCluster {
  readonly cluster: number;
  readonly data: Uint8Array;
  /** Undefined when it is better left as it is. */
  readonly pressed: Buffer | undefined;
}

export class Qcow2Press {
  readonly #level: number;
  readonly #underWay: Promise<PressedCluster>[] = [];

  constructor(level: number) {
    this.#level = level;
  }

  /** Then whoever adds should take first. */
  get isFull(): boolean {
    return this.#underWay.length >= MOST_AT_ONCE;
  }

  add(cluster: number, data: Uint8Array): void {
    const pressed = this.#press(cluster, data);
    // Its turn to be taken comes later, or never when an earlier one fails.
    pressed.catch(() => undefined);
    this.#underWay.push(pressed);
  }

  /** The one that was added first. */
  async take(): Promise<PressedCluster | undefined> {
    return await this.#underWay.shift();
  }

  async #press(cluster: number, data: Uint8Array): Promise<PressedCluster> {
    const options = { level: this.#level, windowBits: WINDOW_BITS, memLevel: MEM_LEVEL };
    const pressed = await deflate(padCluster(data), options);
    return { cluster, data, pressed: pressed.byteLength <= WORTH_BYTES ? pressed : undefined };
  }
}

/** The last cluster of a disk may be cut, and is compressed as if it was not. */
function padCluster(data: Uint8Array): Uint8Array {
  if (data.byteLength === CLUSTER_BYTES) return data;
  const padded = new Uint8Array(CLUSTER_BYTES);
  padded.set(data);
  return padded;
}
