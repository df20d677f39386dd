/** Files that callers send here, to be migrated from. */

export interface Upload {
  readonly name: string;
  /** For the source of a migration. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly changedAt: number;
}

export interface Uploads {
  /** By name. */
  list(signal: AbortSignal): Promise<readonly Upload[]>;
  /** All of it or, when the body ends by an error, nothing; never over one that is there. */
  save(name: string, body: AsyncIterable<Uint8Array>): Promise<Upload>;
  remove(name: string): Promise<void>;
}
