/** What can be wrong with the bodies of disks, and for how many of them. */
export type ByteTransport = 'nfc' | 'datastore';

export interface ByteTrouble {
  readonly transport?: ByteTransport;
  /** The VM's name; absent: any. */
  readonly vm?: string;
  /** The disk's label; absent: any. */
  readonly label?: string;
  /** So many answers have it; absent: every one. */
  readonly times?: number;
  /** The connection is dropped after so many bytes of an answer. */
  readonly cutAfterBytes?: number;
  /** The answer ends after so many bytes as if that were all, its length in the header as well. */
  readonly endAfterBytes?: number;
  /** One bit of the byte at this offset is turned; on a datastore an offset of the disk. */
  readonly flipBitAt?: number;
  /** What the header says instead of the truth. */
  readonly contentLength?: number;
  readonly bytesPerSecond?: number;
  /** Nothing more comes after so many bytes, and the connection stays open. */
  readonly stallAfterBytes?: number;
}

export interface ServedDisk {
  readonly transport: ByteTransport;
  readonly vm: string;
  readonly label: string;
}

export class ByteTroubles {
  readonly #troubles: { readonly trouble: ByteTrouble; left: number }[] = [];

  /** In force until it is disposed, or has happened as often as it was to. */
  add(trouble: ByteTrouble): Disposable {
    const entry = { trouble, left: trouble.times ?? Infinity };
    this.#troubles.push(entry);
    return { [Symbol.dispose]: () => void (entry.left = 0) };
  }

  /** For one answer, which counts as one time. */
  take(disk: ServedDisk): ByteTrouble | undefined {
    const found = this.#troubles.find(
      ({ trouble, left }) =>
        left > 0 &&
        (trouble.transport ?? disk.transport) === disk.transport &&
        (trouble.vm ?? disk.vm) === disk.vm &&
        (trouble.label ?? disk.label) === disk.label,
    );
    if (found === undefined) return undefined;
    found.left -= 1;
    return found.trouble;
  }
}
