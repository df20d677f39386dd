/**
 * The small files of sysfs and cgroupfs: one value or a few lines each, made up by a driver at the
 * moment they are read. Any of them may be missing, forbidden, or answer an error of the hardware
 * behind it; then there is nothing to tell, and the rest goes on.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';

/** Attributes are a page at most; io.stat of a host with many disks is a few of them. */
const buffer = Buffer.alloc(64 * 1024);
/** A file that gives less than this at once has no more to give. */
const SHORT_READ_BYTES = 2048;

/** Without the newline at its end. */
export function readSysfsText(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    // Sensors come and go with their drivers.
    return undefined;
  }
  try {
    let length = 0;
    for (;;) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      length += read;
      if (read < SHORT_READ_BYTES || length === buffer.length) break;
    }
    return buffer.toString('utf8', 0, length).trimEnd();
  } catch {
    // A sensor that exists and has nothing to say answers ENODATA, EIO, EAGAIN or EOPNOTSUPP.
    return undefined;
  } finally {
    closeSync(file);
  }
}

/** Undefined also for what is no whole number. */
export function readSysfsInteger(path: string): number | undefined {
  return parseInteger(readSysfsText(path));
}

export function parseInteger(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Names in a directory, sorted; none where there is no directory. */
export function listSysfsDir(path: string): readonly string[] {
  try {
    return readdirSync(path).toSorted();
  } catch {
    // No such class of devices on this host.
    return [];
  }
}
