/** A server that tells of itself as text for Prometheus: a Drover agent or one of the exporters. */
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { ServerId } from '#kernel/ids.ts';
import { parseExposition } from '#fleet/samples/parse-exposition.ts';
import { SampleSet, type Earlier } from '#fleet/samples/sample-set.ts';
import { samplesToMissing } from '#fleet/samples/samples-to-missing.ts';
import { isWantedSample, samplesToReading } from '#fleet/samples/samples-to-reading.ts';
import type { SourceSpec } from '#fleet/server.ts';
import type { FeedReading, SourceFeed } from '#fleet/source-feed.ts';
import { secretToHeaders } from './secret-headers.ts';
import { SourceClient } from './source-client.ts';

export interface ExporterFeedOptions {
  readonly id: ServerId;
  readonly spec: SourceSpec & { readonly kind: 'exporter' };
  readonly secret: string | undefined;
  readonly clock: Clock;
}

export class ExporterFeed implements SourceFeed {
  readonly kind = 'exporter';
  readonly label: string;
  readonly #id: ServerId;
  readonly #clock: Clock;
  readonly #client: SourceClient;
  readonly #path: string;
  #before: Earlier | undefined;

  constructor({ id, spec, secret, clock }: ExporterFeedOptions) {
    const { url, trust } = spec;
    this.label = `exporter ${url}`;
    this.#id = id;
    this.#clock = clock;
    // Where nothing is said, it is where all exporters have it.
    this.#path = new URL(url).pathname === '/' ? '/metrics' : '';
    this.#client = new SourceClient({ url, trust, headers: secretToHeaders(secret) });
  }

  async poll(signal: AbortSignal): Promise<ReadonlyMap<ServerId, FeedReading>> {
    const text = await this.#client.text({ path: this.#path }, signal);
    const atMonotonicMs = this.#clock.monotonicMs();
    const set = new SampleSet(parseExposition(text, isWantedSample), {
      ...{ atMonotonicMs, before: this.#before },
    });
    this.#before = set.earlier;
    if (set.isEmpty) throw notMetrics();
    return new Map([[this.#id, { ...samplesToReading(set), missing: samplesToMissing(set) }]]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    return Promise.resolve();
  }
}

function notMetrics(): DroverError {
  return new DroverError('unavailable', 'it tells none of the metrics known here', {
    reason: 'SOURCE_WITHOUT_METRICS',
  });
}
