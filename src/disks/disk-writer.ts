/** Writes the content of one disk into an image file, in any order, never the same place twice. */

export const DISK_FORMATS = ['raw', 'qcow2'] as const;
export type DiskFormat = (typeof DISK_FORMATS)[number];

export interface DiskWriter extends AsyncDisposable {
  readonly capacityBytes: number;
  /** Of what the file takes on its file system so far. */
  readonly writtenBytes: number;
  /**
   * May return before the bytes are in the file, and waits when too much is under way. What is
   * zero leaves a hole. `data` belongs to the writer from here on. Blocks that were written since
   * a resume must not be written before it.
   */
  write(offset: number, data: Uint8Array): Promise<void>;
  /**
   * When it returns, all that was written is on the disk and the file is a whole image, which
   * `resume` of the same format opens again after a crash with the same `DiskMark`.
   */
  flush(): Promise<DiskMark>;
  /** The last flush. The file is then complete, and takes no more. */
  finish(): Promise<void>;
}

/** Where an image stood at a flush. JSON: it goes into a checkpoint. */
export interface DiskMark {
  readonly format: DiskFormat;
  /** The length of the file: what came later is cut off when it is resumed. */
  readonly endBytes: number;
}
