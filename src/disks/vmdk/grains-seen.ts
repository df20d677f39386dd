/**
 * Remembers which grains of a stream have come, because the same place must not be written twice.
 * One bit each, in pages that are made when they are needed.
 */
import { unreadableImage, damagedImage } from '#disks/image-errors.ts';

const PAGE_BYTES = 4096;
const PAGE_GRAINS = PAGE_BYTES * 8;
/** 32 MiB of bits: the grains of 16 TiB, at 64 KiB each. */
const MOST_PAGES = 8192;

export class GrainsSeen {
  readonly #pages = new Map<number, Uint8Array>();
  #last = -1;
  #isAscending = true;

  add(grain: number): void {
    this.#isAscending &&= grain > this.#last;
    this.#last = grain;
    const pageNumber = Math.floor(grain / PAGE_GRAINS);
    const page = this.#pages.get(pageNumber) ?? this.#newPage(pageNumber);
    const at = (grain % PAGE_GRAINS) >>> 3;
    const bit = 1 << (grain & 7);
    if (page === undefined) return;
    const bits = page[at] ?? 0;
    if ((bits & bit) !== 0) throw damagedImage(`grain ${grain} comes twice in the stream`);
    page[at] = bits | bit;
  }

  /** As long as all come in order, none can come twice, however many there are. */
  #newPage(pageNumber: number): Uint8Array | undefined {
    if (this.#pages.size === MOST_PAGES) {
      if (this.#isAscending) return undefined;
      throw unreadableImage('its grains are out of order, and too many to be kept in mind');
    }
    const page = new Uint8Array(PAGE_BYTES);
    this.#pages.set(pageNumber, page);
    return page;
  }
}
