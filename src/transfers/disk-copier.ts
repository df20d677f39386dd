/** Copies and checks disks, in threads: heavy bytes never pass through the event loop. */
import type { DiskFormat } from '#disks/disk-writer.ts';
import type { HashAlgorithm } from '#disks/hash-file.ts';
import type { DiskFeed } from './disk-feed.ts';

export interface CopyRequest {
  readonly feed: DiskFeed;
  /** The file to write. Beside it lies, until the end, what it takes to go on after a crash. */
  readonly path: string;
  readonly format: DiskFormat;
  readonly isCompressed: boolean;
  readonly capacityBytes: number;
  /** Whose copy it is. One that somebody else began is not gone on with. */
  readonly owner: string;
  readonly isResumable: boolean;
  /** One Float64: bytes a second, 0 without a limit. It may change while the copy runs. */
  readonly pace: SharedArrayBuffer;
}

export interface CopyProgress {
  /** How far on the disk. */
  readonly doneBytes: number;
  /** What came over the wire in this attempt. */
  readonly receivedBytes: number;
}

export interface CopyOutcome {
  readonly receivedBytes: number;
  readonly writtenBytes: number;
  /** Where an earlier copy was gone on with; 0 for one from the beginning. */
  readonly resumedFromByte: number;
  /** Where the digests end in the file beside the image. */
  readonly journalBytes: number;
}

export interface VerifyRequest {
  readonly path: string;
  readonly format: DiskFormat;
  readonly capacityBytes: number;
  /** Of the copy's outcome. */
  readonly journalBytes: number;
}

export interface VerifyOutcome {
  readonly checkedBytes: number;
  /** Of the content: equal for two images of the same disk, whatever their format. */
  readonly contentDigest: string;
}

export interface HashRequest {
  readonly path: string;
  readonly algorithm: HashAlgorithm;
  /** Of the file; absent: all of it. */
  readonly part?: { readonly offset: number; readonly length: number } | undefined;
}

export interface CopierCall<Progress> {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

export interface DiskCopier {
  copy(request: CopyRequest, call: CopierCall<CopyProgress>): Promise<CopyOutcome>;
  /** Reads back what was written and compares it with what came. */
  verify(request: VerifyRequest, call: CopierCall<number>): Promise<VerifyOutcome>;
  /** The digest of a file as it is, in lower-case hex. */
  hash(
    request: HashRequest,
    signal: AbortSignal,
    onProgress?: (doneBytes: number) => void,
  ): Promise<string>;
  /** How many bytes the disk has that a feed is of. */
  measure(feed: DiskFeed, signal: AbortSignal): Promise<number>;
  /** Removes what lies beside an image for the sake of a crash. */
  settle(path: string): Promise<void>;
}
