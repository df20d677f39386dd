/**
 * Looks for the largest file of filesystems, slowly and in the background: it takes a walk through
 * all of one, so it is only done where somebody asked for it.
 *
 *   [a filesystem is asked about] → waits its turn → walk → known for RESCAN_MS → walk …
 *
 * What always holds:
 * - One walk at a time; it stays on its filesystem, follows no link, and pauses every few entries.
 * - A walk that could not see everything, or met more than its bound, found nothing: the largest
 *   file of a part is not the largest file.
 */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import { systemErrorCode } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { HOUR_MS } from '#kernel/units.ts';

export interface LargestFilesOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Of one walk. */
  readonly mostEntries?: number;
}

const RESCAN_MS = 6 * HOUR_MS;
const MOST_ENTRIES = 2_000_000;
/** Directories that wait in one walk. */
const MOST_WAITING = 100_000;
const MOST_FILESYSTEMS = 64;
/** At most two thousand entries a second, so that nobody else waits for the disk. */
const ENTRIES_AT_ONCE = 100;
const PAUSE_MS = 50;
/** They can be without end, or answer never. */
const NOT_WALKED =
  /^(?:nfs|cifs|smb|9p|ceph|gluster|fuse|proc|sysfs|cgroup|devtmpfs|autofs|overlay)/;

interface Found {
  readonly bytes: number | undefined;
  readonly atMonotonicMs: number;
}

export class LargestFiles implements AsyncDisposable {
  readonly #options: LargestFilesOptions;
  readonly #found = new Map<string, Found>();
  readonly #waiting = new Set<string>();
  readonly #stopping = new AbortController();
  #walking: Promise<void> | undefined;

  constructor(options: LargestFilesOptions) {
    this.#options = options;
  }

  /** What the last walk found; asking is what makes it walk. */
  bytesOf(mountPoint: string, fstype: string | undefined): number | undefined {
    const found = this.#found.get(mountPoint);
    const nowMs = this.#options.clock.monotonicMs();
    const isOld = found === undefined || nowMs - found.atMonotonicMs >= RESCAN_MS;
    const hasRoom = found !== undefined || this.#found.size + this.#waiting.size < MOST_FILESYSTEMS;
    if (isOld && hasRoom && fstype !== undefined && !NOT_WALKED.test(fstype)) {
      this.#waiting.add(mountPoint);
      this.#walking ??= this.#walkAll().finally(() => {
        this.#walking = undefined;
      });
    }
    return found?.bytes;
  }

  /** Resolves when nothing waits for its turn. */
  async idle(): Promise<void> {
    await this.#walking;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#walking;
  }

  async #walkAll(): Promise<void> {
    const { clock, log } = this.#options;
    for (const mountPoint of this.#waiting) {
      let bytes: number | undefined;
      try {
        bytes = await this.#walk(mountPoint);
      } catch (thrown) {
        if (this.#stopping.signal.aborted) return;
        log.debug({ mountPoint, error: thrown }, 'the largest file could not be looked for');
      }
      this.#waiting.delete(mountPoint);
      this.#found.set(mountPoint, { bytes, atMonotonicMs: clock.monotonicMs() });
    }
  }

  async #walk(root: string): Promise<number | undefined> {
    const { clock, mostEntries = MOST_ENTRIES } = this.#options;
    const { dev } = await lstat(root);
    const waiting = [root];
    let largest = 0;
    let entries = 0;
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for await (const entry of await opendir(next)) {
        entries += 1;
        if (entries > mostEntries || waiting.length > MOST_WAITING) return undefined;
        if (entries % ENTRIES_AT_ONCE === 0) await clock.sleep(PAUSE_MS, this.#stopping.signal);
        if (!entry.isFile() && !entry.isDirectory()) continue;
        const path = join(next, entry.name);
        const found = await lstatUnlessGone(path);
        if (found?.dev !== dev) continue;
        if (found.isDirectory()) waiting.push(path);
        else largest = Math.max(largest, found.size);
      }
    }
    return largest;
  }
}

/** Files come and go during a walk. */
async function lstatUnlessGone(path: string) {
  try {
    return await lstat(path);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}
