/**
 * A Qdrant. Its status is an error when it says itself that it is not ready, when it runs in
 * recovery mode, when it fails to list its collections, or when one of them is red; one that
 * cannot be reached, or that takes no such key, is not answered for at all.
 */
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import type { ServerId } from '#kernel/ids.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { parseExposition } from '#fleet/samples/parse-exposition.ts';
import type { Sample } from '#fleet/samples/sample-set.ts';
import type { SourceSpec } from '#fleet/server.ts';
import type { FeedReading, MissingPart, SourceFeed } from '#fleet/source-feed.ts';
import { listOf, objectOf, textOf } from './answer-values.ts';
import { QdrantCollections } from './qdrant-collections.ts';
import { QdrantDisk } from './qdrant-disk.ts';
import { refusalToError, SourceClient } from './source-client.ts';

/** For each of the parts that it can be without. */
const PART_DEADLINE_MS = 3 * SECOND_MS;
/** Some have a prefix before all of their metrics. */
const RESIDENT = /^(?:\w+_)?memory_resident_bytes$/;
const RECOVERY = /^(?:\w+_)?app_status_recovery_mode$/;

export interface QdrantFeedOptions {
  readonly id: ServerId;
  readonly spec: SourceSpec & { readonly kind: 'qdrant' };
  readonly secret: string | undefined;
  readonly clock: Clock;
}

export class QdrantFeed implements SourceFeed {
  readonly kind = 'qdrant';
  readonly label: string;
  readonly #id: ServerId;
  readonly #clock: Clock;
  readonly #client: SourceClient;
  readonly #collections: QdrantCollections;
  readonly #disk: QdrantDisk;

  constructor({ id, spec, secret, clock }: QdrantFeedOptions) {
    const { url, trust } = spec;
    this.label = `qdrant ${url}`;
    this.#id = id;
    this.#clock = clock;
    const headers = secret === undefined ? {} : { 'api-key': secret };
    this.#client = new SourceClient({ url, trust, headers });
    this.#collections = new QdrantCollections(this.#client, clock);
    this.#disk = new QdrantDisk(this.#client, clock);
  }

  async poll(signal: AbortSignal): Promise<ReadonlyMap<ServerId, FeedReading>> {
    const names = await this.#names(signal);
    const [root, ready, metrics] = await Promise.all([
      this.#part('/', signal),
      this.#part('/readyz', signal),
      this.#part('/metrics', signal),
      names instanceof DroverError ? undefined : this.#collections.renew(names, signal),
    ]);
    this.#disk.renew();
    const samples = samplesOf(metrics);
    const value = (pattern: RegExp) => samples.find(({ name }) => pattern.test(name))?.value;
    const isInRecovery = (value(RECOVERY) ?? 0) > 0;
    const isListed = !(names instanceof DroverError);
    // Old ones cannot be asked whether they are ready, and are taken at their other words.
    const isReady = ready.status === undefined || ready.status < 500;
    const complaints = [
      ...(isReady ? [] : ['it says that it is not ready']),
      ...(isInRecovery ? ['it runs in recovery mode'] : []),
      ...(this.#collections.isAnyBroken ? ['one of its collections is red'] : []),
    ];
    const isWell = isListed && complaints.length === 0;
    const diskBytes = this.#disk.bytes;
    const qdrant = {
      status: isWell ? ('running' as const) : ('error' as const),
      version: textOf(objectOf(parseJson(root.body))['version']),
      collections: isListed ? names.length : undefined,
      points: isListed ? this.#collections.points : undefined,
      memoryBytes: value(RESIDENT),
      diskBytes,
      diskFrom: diskBytes === undefined ? undefined : ('telemetry' as const),
    };
    const missing = [
      ...(isListed ? this.#silentCollections() : [{ part: 'collections', why: names.message }]),
      ...(metrics.why === undefined ? [] : [{ part: 'memory', why: metrics.why }]),
      ...(root.why === undefined ? [] : [{ part: 'version', why: root.why }]),
    ];
    return new Map([[this.#id, { qdrant, missing, complaints }]]);
  }

  /** Resolves when nothing is being asked beside the polls. */
  async settled(): Promise<void> {
    await this.#disk.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disk[Symbol.asyncDispose]();
    this.#client[Symbol.dispose]();
  }

  /** An error when it fails at that; throws when it does not answer, or not to us. */
  async #names(signal: AbortSignal): Promise<readonly string[] | DroverError> {
    const { status, body } = await this.#client.ask({ path: '/collections' }, signal);
    if (status >= 500) return refusalToError(status);
    if (status !== 200) throw refusalToError(status);
    const { collections } = objectOf(objectOf(parseJson(body))['result']);
    if (Array.isArray(collections)) {
      return listOf(collections).flatMap((each) => textOf(objectOf(each)['name']) ?? []);
    }
    return new DroverError('unavailable', 'it answered something that no Qdrant answers');
  }

  #silentCollections(): readonly MissingPart[] {
    const { failed } = this.#collections;
    if (failed === 0) return [];
    return [{ part: 'points', why: `${failed} of its collections did not answer` }];
  }

  async #part(path: string, signal: AbortSignal): Promise<PartAnswer> {
    using deadline = openDeadline(this.#clock, PART_DEADLINE_MS, `asking for ${path}`, signal);
    try {
      const { status, body } = await this.#client.ask({ path }, deadline.signal);
      if (status === 200) return { status, body, why: undefined };
      return { status, body: '', why: refusalToError(status).message };
    } catch (thrown) {
      signal.throwIfAborted();
      return { status: undefined, body: '', why: toDroverError(thrown).message };
    }
  }
}

interface PartAnswer {
  readonly status: number | undefined;
  readonly body: string;
  /** There is nothing in it. */
  readonly why: string | undefined;
}

function samplesOf({ body }: PartAnswer): readonly Sample[] {
  return [...parseExposition(body, (name) => RESIDENT.test(name) || RECOVERY.test(name))];
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}
