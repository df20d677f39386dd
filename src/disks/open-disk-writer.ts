/** Opens an image to be written, in the format that is asked for. */
import { invalidArgument } from '#kernel/errors.ts';
import type { DiskFormat, DiskMark, DiskWriter } from './disk-writer.ts';
import { damagedImage } from './image-errors.ts';
import type { LetGo } from './image-file.ts';
import { Qcow2Writer } from './qcow2/qcow2-writer.ts';
import { RawWriter } from './raw/raw-writer.ts';

/** Plain data: it can be handed to a thread. */
export interface OpenDiskWriterOptions {
  readonly path: string;
  readonly format: DiskFormat;
  readonly capacityBytes: number;
  /** From 1, fast, to 9, small; only of qcow2. Absent: not compressed. */
  readonly compressionLevel?: number | undefined;
  /** To go on from there; absent: a new image, in place of whatever is at `path`. */
  readonly mark?: DiskMark | undefined;
}

/** `letGo` is told of each part of what was written when the writer needs it no more. */
export async function openDiskWriter(
  options: OpenDiskWriterOptions,
  letGo: LetGo = () => undefined,
): Promise<DiskWriter> {
  const { path, format, capacityBytes, compressionLevel, mark } = options;
  if (mark !== undefined && mark.format !== format) {
    throw damagedImage(`it was ${mark.format} and is to go on as ${format}`);
  }
  switch (format) {
    case 'raw':
      if (compressionLevel !== undefined) {
        throw invalidArgument('compressionLevel', 'only qcow2 can be compressed');
      }
      return mark === undefined
        ? await RawWriter.create(path, capacityBytes, letGo)
        : await RawWriter.resume(path, { capacityBytes, endBytes: mark.endBytes }, letGo);
    case 'qcow2':
      return mark === undefined
        ? await Qcow2Writer.create(path, capacityBytes, { compressionLevel, letGo })
        : await Qcow2Writer.resume(
            path,
            { capacityBytes, endBytes: mark.endBytes },
            { compressionLevel, letGo },
          );
  }
}
