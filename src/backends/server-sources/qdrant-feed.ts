/**
 * A Qdrant. Its status is an error when it says itself that it is not ready, when it runs in
 * recovery mode, when it fails to list its collections, or when one of them is red; one that
 * cannot be reached, or that takes no such key, is not answered for at all.
 */
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import type { ServerId } from '#kernel/ids.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { parseExposition } from '#fleet/samples/parse-exposition.ts';
import type { Sample } from '#fleet/samples/sample-set.ts';
import type { ServerReading } from '#fleet/server-reading.ts';
import type { SourceSpec } from '#fleet/server.ts';
import type { SourceFeed } from '#fleet/source-feed.ts';
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

  async poll(signal: AbortSignal): Promise<ReadonlyMap<ServerId, ServerReading>> {
    const names = await this.#names(signal);
    const [version, isReady, samples] = await Promise.all([
      this.#version(signal),
      this.#isReady(signal),
      this.#samples(signal),
      names === undefined ? undefined : this.#collections.renew(names, signal),
    ]);
    this.#disk.renew();
    const value = (pattern: RegExp) => samples.find(({ name }) => pattern.test(name))?.value;
    const isInRecovery = (value(RECOVERY) ?? 0) > 0;
    const isWell =
      names !== undefined && isReady && !isInRecovery && !this.#collections.isAnyBroken;
    const diskBytes = this.#disk.bytes;
    const qdrant = {
      status: isWell ? ('running' as const) : ('error' as const),
      version,
      collections: names?.length,
      points: names === undefined ? undefined : this.#collections.points,
      memoryBytes: value(RESIDENT),
      diskBytes,
      diskFrom: diskBytes === undefined ? undefined : ('telemetry' as const),
    };
    return new Map([[this.#id, { qdrant }]]);
  }

  /** Resolves when nothing is being asked beside the polls. */
  async settled(): Promise<void> {
    await this.#disk.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disk[Symbol.asyncDispose]();
    this.#client[Symbol.dispose]();
  }

  /** Undefined when it fails at that; throws when it does not answer, or not to us. */
  async #names(signal: AbortSignal): Promise<readonly string[] | undefined> {
    const { status, body } = await this.#client.ask({ path: '/collections' }, signal);
    if (status >= 500) return undefined;
    if (status !== 200) throw refusalToError(status);
    const { collections } = objectOf(objectOf(parseJson(body))['result']);
    return Array.isArray(collections)
      ? listOf(collections).flatMap((each) => textOf(objectOf(each)['name']) ?? [])
      : undefined;
  }

  async #version(signal: AbortSignal): Promise<string | undefined> {
    const answer = await this.#part('/', signal);
    return textOf(objectOf(parseJson(answer?.body ?? ''))['version']);
  }

  /** Old ones cannot be asked, and are taken at their other words. */
  async #isReady(signal: AbortSignal): Promise<boolean> {
    const status = (await this.#part('/readyz', signal))?.status;
    return status === undefined || status < 500;
  }

  async #samples(signal: AbortSignal): Promise<readonly Sample[]> {
    const answer = await this.#part('/metrics', signal);
    if (answer?.status !== 200) return [];
    const isWanted = (name: string) => RESIDENT.test(name) || RECOVERY.test(name);
    return [...parseExposition(answer.body, isWanted)];
  }

  async #part(path: string, signal: AbortSignal) {
    using deadline = openDeadline(this.#clock, PART_DEADLINE_MS, `asking for ${path}`, signal);
    try {
      return await this.#client.ask({ path }, deadline.signal);
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}
