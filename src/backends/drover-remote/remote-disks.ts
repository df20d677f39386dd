/**
 * Brings files to another Drover as disks of a customer. The ids follow from the job, and each disk
 * goes on where the other end says it stands; so a second attempt sends what is missing, and one
 * that finds its disk with other content replaces it.
 */
import type { RangeSource } from '#disks/byte-source.ts';
import { openFileRangeSource } from '#disks/file-range-source.ts';
import type { RateLimiter } from '#disks/rate-limiter.ts';
import { backoffMs, jitterMs } from '#kernel/backoff.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, isErrorKind, toDroverError } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { randomFraction } from '#kernel/random.ts';
import { formatBytes, HOUR_MS, SECOND_MS } from '#kernel/units.ts';
import { EXTENTS_TYPE } from '#machines/disk-extents.ts';
import { machineIdOf } from '#transfers/machine-plan.ts';
import type { TargetJob } from '#transfers/migration-parts.ts';
import type { TargetVm } from '#transfers/target.ts';
import { readPart } from './disk-part.ts';
import type { Answer, DroverClient } from './drover-client.ts';
import { textOf } from './remote-error.ts';

/** SHA-256 in lower-case hex, in a thread; tells how many bytes it has read. */
export type HashSentFile = (
  path: string,
  signal: AbortSignal,
  onProgress?: (doneBytes: number) => void,
) => Promise<string>;

export interface RemoteDisksParts {
  readonly client: DroverClient;
  readonly customerId: CustomerId;
  readonly clock: Clock;
  readonly job: Pick<TargetJob, 'log' | 'step'>;
  readonly hash: HashSentFile;
}

export interface RemoteDisk {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly offset: number;
  readonly sizeBytes: number;
  /** While it is checked; undefined where the other end is too old to say. */
  readonly checkedBytes: number | undefined;
  readonly path: string;
  readonly error: string;
}

const MOST_TRIES = 6;
const FIRST_RETRY_MS = SECOND_MS;
const MOST_RETRY_MS = 30 * SECOND_MS;
/** A small disk is looked at in a moment. */
const FIRST_POLL_MS = 20;
const MOST_POLL_MS = 5 * SECOND_MS;
/** Of a disk of many TiB. */
const MOST_CHECK_MS = 12 * HOUR_MS;

/** An image here, and how it is to travel. */
interface DiskFile {
  readonly file: string;
  readonly limiter: RateLimiter;
  readonly onProgress: (doneBytes: number) => void;
}

interface OpenDisk extends Omit<DiskFile, 'file'> {
  readonly source: RangeSource;
  readonly label: string;
}

export class RemoteDisks {
  readonly #parts: RemoteDisksParts;

  constructor(parts: RemoteDisksParts) {
    this.#parts = parts;
  }

  async find(vm: TargetVm, at: number, signal: AbortSignal): Promise<RemoteDisk | undefined> {
    try {
      const found = await this.#parts.client.rest('GET', this.#path(diskIdOf(vm, at)), signal);
      return readDisk(found);
    } catch (thrown) {
      if (isErrorKind(thrown, 'not_found')) return undefined;
      throw thrown;
    }
  }

  /** It is whole there, and was compared, when this returns. */
  async bring(
    vm: TargetVm,
    at: number,
    { file, limiter, onProgress }: DiskFile,
    signal: AbortSignal,
  ): Promise<void> {
    const { job, hash, client } = this.#parts;
    const label = `disk ${at + 1} of ${vm.disks.length}`;
    await using source = await openFileRangeSource(file);
    const { sizeBytes: size } = source;
    const computing = `computing the SHA-256 of ${label}`;
    job.step(computing);
    const sha256 = await hash(file, signal, (doneBytes) =>
      job.step(`${computing}, ${percentOf(doneBytes, size)}`),
    );
    const draft = { name: diskNameOf(vm, at), size_bytes: size, sha256 };
    const there = await this.#announce(vm, at, { ...draft, format: vm.disks[at]?.format }, signal);
    const from = there.offset === 0 ? '' : `, from byte ${there.offset} on`;
    job.log('info', `sending ${label} (${formatBytes(size)}) to ${client.peer}${from}`);
    await this.#send(there, { source, label, limiter, onProgress }, signal);
    job.log('info', `${label} is at ${client.peer}, and its SHA-256 is right`);
  }

  /** Says what it removed; nothing where there is none of this job. */
  async remove(vm: TargetVm, at: number, signal: AbortSignal): Promise<string | undefined> {
    const there = await this.find(vm, at, signal);
    if (there === undefined || there.name !== diskNameOf(vm, at)) return undefined;
    await this.#parts.client.rest('DELETE', this.#path(there.id), signal);
    return `disk ${there.id} of ${this.#parts.customerId}`;
  }

  async #announce(
    vm: TargetVm,
    at: number,
    draft: object,
    signal: AbortSignal,
  ): Promise<RemoteDisk> {
    const { client, customerId, job } = this.#parts;
    const body = { ...draft, id: diskIdOf(vm, at), customer_id: customerId };
    try {
      return readDisk(await client.rest('POST', '/v1/disks', signal, body));
    } catch (thrown) {
      if (!isErrorKind(thrown, 'already_exists')) throw thrown;
      // Of an attempt whose copy was made anew since. What another made stays.
      if ((await this.remove(vm, at, signal)) === undefined) throw thrown;
      job.log('info', `${body.id} held what an earlier attempt had copied: it is sent anew`);
      return readDisk(await client.rest('POST', '/v1/disks', signal, body));
    }
  }

  async #send(
    { id, sizeBytes }: RemoteDisk,
    { label, source, limiter, onProgress }: OpenDisk,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock, job } = this.#parts;
    const path = this.#path(id);
    const startedMs = clock.monotonicMs();
    let tries = 0;
    let polls = 0;
    let furthest = 0;
    for (;;) {
      try {
        const there = readDisk(await client.rest('GET', path, signal));
        if (there.offset > furthest) tries = 0;
        this.#tell(label, there, furthest);
        onProgress(there.offset);
        furthest = there.offset;
        if (there.state === 'ready') return;
        if (there.state === 'failed') throw refused(client.peer, there);
        if (there.state === 'receiving' && there.offset < sizeBytes) {
          job.step(`sending ${label}`);
          const { offset } = there;
          const content = (stop: AbortSignal) =>
            readPart(source, { offset, limiter, onProgress, signal: stop });
          await client.sendPart(path, { offset, type: EXTENTS_TYPE, content }, signal);
          continue;
        }
        if (clock.monotonicMs() - startedMs > MOST_CHECK_MS) throw unchecked(client.peer, there);
        job.step(checkingText(`${client.peer} checks ${label}`, there));
        await clock.sleep(backoffMs(polls, FIRST_POLL_MS, MOST_POLL_MS), signal);
        polls += 1;
      } catch (thrown) {
        signal.throwIfAborted();
        const error = toDroverError(thrown);
        if (!canPass(error) || tries >= MOST_TRIES) throw thrown;
        job.log('warn', `sending ${label} is tried again: ${error.message}`);
        const waitMs = backoffMs(tries, FIRST_RETRY_MS, MOST_RETRY_MS);
        tries += 1;
        await clock.sleep(jitterMs(waitMs, randomFraction()), signal);
      }
    }
  }

  #tell(label: string, { offset, sizeBytes }: RemoteDisk, before: number): void {
    const { job } = this.#parts;
    const tenth = (bytes: number) => Math.floor((10 * bytes) / sizeBytes);
    if (offset > before && tenth(offset) > tenth(before) && offset < sizeBytes) {
      job.log('info', `sent ${formatBytes(offset)} of ${formatBytes(sizeBytes)} of ${label}`);
    }
  }

  #path(id: string): string {
    return `/v1/disks/${id}?customer_id=${encodeURIComponent(this.#parts.customerId)}`;
  }
}

/** The same for each attempt of a job. */
function diskIdOf(vm: TargetVm, at: number): string {
  return `${machineIdOf(vm)}-disk-${at}`;
}

function diskNameOf({ owner }: TargetVm, at: number): string {
  return `migration ${owner}, disk ${at}`;
}

function readDisk(answer: Answer): RemoteDisk {
  const text = (name: string) => textOf(answer[name]);
  const { offset, size_bytes: sizeBytes, checked_bytes: checked } = answer;
  if (!isBytes(offset) || !isBytes(sizeBytes) || offset > sizeBytes) {
    throw new DroverError('failed_precondition', 'the other Drover describes no disk', {
      reason: 'NOT_DROVER',
    });
  }
  return {
    ...{ id: text('id'), name: text('name'), state: text('state'), path: text('path') },
    ...{ offset, sizeBytes, error: text('error') },
    checkedBytes: isBytes(checked) && checked <= sizeBytes ? checked : undefined,
  };
}

function isBytes(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function checkingText(what: string, { checkedBytes, sizeBytes }: RemoteDisk): string {
  return checkedBytes === undefined ? what : `${what}, ${percentOf(checkedBytes, sizeBytes)}`;
}

function percentOf(doneBytes: number, sizeBytes: number): string {
  return `${Math.floor((100 * doneBytes) / sizeBytes)} %`;
}

/** Whether it may go better in a moment. */
function canPass({ kind, reason }: DroverError): boolean {
  const isBusy = reason === 'TOO_MANY_UPLOADS';
  return isBusy || kind === 'unavailable' || kind === 'deadline_exceeded' || kind === 'aborted';
}

function refused(peer: string, { id, error }: RemoteDisk): DroverError {
  return new DroverError('data_loss', `${peer} refused the disk ${id}: ${error}`, {
    reason: 'DISK_REFUSED',
  });
}

function unchecked(peer: string, { id }: RemoteDisk): DroverError {
  const text = `${peer} did not come to the end of checking the disk ${id}`;
  return new DroverError('unavailable', text, { reason: 'DISK_UNCHECKED' });
}
