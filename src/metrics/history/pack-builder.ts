/** Puts chunks, in the order of their series, into packs of a handy size. */
import { packChunks, type PackedChunk } from './chunk-pack.ts';
import type { ChunkEncoder } from './chunk-encoder.ts';
import type { Pack } from './metric-store.ts';
import type { Resolution } from './tiers.ts';

/** Reading one series reads its pack: few enough for that, enough for rows to be few. */
const MOST_SERIES = 64;
const MOST_BYTES = 256 * 1024;

export class PackBuilder {
  readonly #resolution: Resolution;
  readonly #cut: number;
  #part = 0;
  #chunks: PackedChunk[] = [];
  #ready: Pack[] = [];
  #sizeBytes = 0;
  #samples = 0;
  #firstMs = Infinity;
  #lastMs = -Infinity;

  constructor(resolution: Resolution, cut: number) {
    this.#resolution = resolution;
    this.#cut = cut;
  }

  get readyBytes(): number {
    return this.#ready.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  add(seriesId: number, chunk: ChunkEncoder, bytes: Uint8Array): void {
    const isNewSeries = this.#chunks.at(-1)?.seriesId !== seriesId;
    const isFull = this.#chunks.length >= MOST_SERIES || this.#sizeBytes >= MOST_BYTES;
    if (isNewSeries && isFull) this.#close();
    this.#chunks.push({ seriesId, bytes });
    this.#sizeBytes += bytes.length;
    this.#samples += chunk.count;
    this.#firstMs = Math.min(this.#firstMs, chunk.firstMs);
    this.#lastMs = Math.max(this.#lastMs, chunk.lastMs);
  }

  /** Those that are full; with `isLast` also the one that is not. */
  take(isLast: boolean): Pack[] {
    if (isLast) this.#close();
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  #close(): void {
    const firstSeries = this.#chunks[0]?.seriesId;
    const lastSeries = this.#chunks.at(-1)?.seriesId;
    if (firstSeries === undefined || lastSeries === undefined) return;
    const bytes = packChunks(this.#chunks);
    this.#ready.push({
      resolution: this.#resolution,
      cut: this.#cut,
      part: this.#part,
      firstMs: this.#firstMs,
      lastMs: this.#lastMs,
      firstSeries,
      lastSeries,
      samples: this.#samples,
      sizeBytes: bytes.length,
      bytes,
    });
    this.#part += 1;
    this.#chunks = [];
    this.#sizeBytes = 0;
    this.#samples = 0;
    this.#firstMs = Infinity;
    this.#lastMs = -Infinity;
  }
}
