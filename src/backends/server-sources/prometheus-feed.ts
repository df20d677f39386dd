/**
 * The servers that one Prometheus scrapes, asked for all at once. What one query fails at, or takes
 * too long for, is unknown and said to be missing; the parts of the others are not.
 *
 * An exporter counts while it has values now: rates look back, and would go on for minutes after
 * it died. Where several exporters of a server tell the same metric, one of them is believed.
 */
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import type { ServerId } from '#kernel/ids.ts';
import { SampleSet, type Sample } from '#fleet/samples/sample-set.ts';
import { samplesToMissing } from '#fleet/samples/samples-to-missing.ts';
import { samplesToReading } from '#fleet/samples/samples-to-reading.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { SourceSpec } from '#fleet/server.ts';
import type { FeedReading, MissingPart, SourceFeed } from '#fleet/source-feed.ts';
import { PrometheusClient } from './prometheus-client.ts';
import { hostOf, PrometheusInstances, type InstanceRequest } from './prometheus-instances.ts';
import { queriesFor, type PrometheusQuery } from './prometheus-queries.ts';
import { samplesToHypervisor } from './pve-samples.ts';

/** For a query; shorter than a source has in all, so that the others still count. */
const QUERY_DEADLINE_MS = 7 * SECOND_MS;
/** Of names, in one query: some thousand servers. More are asked for by further queries. */
const MOST_LETTERS = 64 * 1024;

export interface PrometheusRequest {
  readonly id: ServerId;
  readonly spec: SourceSpec & { readonly kind: 'prometheus' };
}

export interface PrometheusFeedOptions {
  /** At least one; they differ in id and instance alone. */
  readonly requests: readonly [PrometheusRequest, ...PrometheusRequest[]];
  readonly secret: string | undefined;
  readonly clock: Clock;
  readonly mostLetters?: number;
}

export class PrometheusFeed implements SourceFeed {
  readonly kind = 'prometheus';
  readonly label: string;
  readonly #clock: Clock;
  readonly #client: PrometheusClient;
  readonly #servers: readonly InstanceRequest[];
  readonly #instances: PrometheusInstances;
  readonly #queries: readonly PrometheusQuery[];

  constructor({ requests, secret, clock, mostLetters = MOST_LETTERS }: PrometheusFeedOptions) {
    const { url, trust } = requests[0].spec;
    this.#clock = clock;
    this.label = `prometheus ${url}`;
    this.#client = new PrometheusClient({ url, trust, secret });
    this.#servers = requests.map(({ id, spec }) => ({ id, instance: spec.instance }));
    this.#instances = new PrometheusInstances(this.#servers);
    this.#queries = this.#instances.patterns(mostLetters).flatMap(queriesFor);
  }

  async poll(signal: AbortSignal): Promise<ReadonlyMap<ServerId, FeedReading | Error>> {
    const answers = await this.#ask(signal);
    const given = answers.flatMap((answer) => ('samples' in answer ? [answer] : []));
    const failed = answers.flatMap((answer) => ('error' in answer ? [answer] : []));
    const [first] = failed;
    if (given.length === 0 && first !== undefined) throw first.error;
    const told = new Map<ServerId, ToldOfServer>();
    for (const kind of ['gauges', 'rates'] as const) {
      for (const { gives, samples } of given) {
        if (gives === kind) for (const sample of samples) this.#sort(told, kind, sample);
      }
    }
    const missing = failed.map(({ part, error }) => ({ part, why: error.message }));
    return new Map(
      this.#servers.map(({ id, instance }) => {
        // Of whom nothing came, nobody knows whether a query that failed would have told it.
        const answer = told.get(id)?.toReading(missing) ?? first?.error;
        return [id, answer ?? notKnown(instance)];
      }),
    );
  }

  async #ask(signal: AbortSignal): Promise<readonly QueryAnswer[]> {
    using deadline = openDeadline(this.#clock, QUERY_DEADLINE_MS, 'a query', signal);
    const answers = await Promise.all(
      this.#queries.map(async (query): Promise<QueryAnswer> => {
        const { part, gives } = query;
        try {
          return { gives, samples: await this.#client.query(query, deadline.signal) };
        } catch (thrown) {
          return { part, error: toDroverError(thrown) };
        }
      }),
    );
    signal.throwIfAborted();
    return answers;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    return Promise.resolve();
  }

  #sort(told: Map<ServerId, ToldOfServer>, kind: 'gauges' | 'rates', sample: Sample): void {
    for (const id of this.#instances.serversOf(sample.labels['instance'] ?? '')) {
      let server = told.get(id);
      if (server === undefined) told.set(id, (server = new ToldOfServer()));
      if (kind === 'gauges') server.addGauge(sample);
      else server.addRate(sample);
    }
  }
}

type QueryAnswer =
  | { readonly gives: PrometheusQuery['gives']; readonly samples: readonly Sample[] }
  | { readonly part: string; readonly error: DroverError };

interface Told {
  readonly exporter: string;
  readonly samples: Sample[];
}

/** What the exporters of one server say, as long as they are there. */
class ToldOfServer {
  readonly #alive = new Set<string>();
  readonly #down = new Set<string>();
  readonly #hosts = new Set<string>();
  readonly #gauges = new Map<string, Told>();
  readonly #rates = new Map<string, Told>();

  addGauge(sample: Sample): void {
    const exporter = exporterOf(sample);
    const instance = sample.labels['instance'] ?? '';
    this.#hosts.add(hostOf(instance));
    if (sample.name === 'up') {
      if (sample.value === 0) this.#down.add(instance);
      return;
    }
    this.#alive.add(exporter);
    add(this.#gauges, exporter, sample);
  }

  addRate(sample: Sample): void {
    const exporter = exporterOf(sample);
    if (this.#alive.has(exporter)) add(this.#rates, exporter, sample);
  }

  /** `missing` of all servers; an exporter that is not scraped is missing besides. */
  toReading(missing: readonly MissingPart[]): FeedReading | Error {
    if (this.#gauges.size === 0) return nothingTold([...this.#down]);
    const down = Array.from(this.#down, (instance) => ({ part: instance, why: 'up is 0' }));
    const set = new SampleSet(samplesOf(this.#gauges), {
      ...{ atMonotonicMs: 0, rates: samplesOf(this.#rates) },
    });
    const reading = { ...samplesToReading(set), ...samplesToHypervisor(set, this.#hosts) };
    return { ...reading, missing: [...missing, ...down, ...samplesToMissing(set)] };
  }
}

/** By order and not by who comes first, so that it is the same one the next time. */
function add(map: Map<string, Told>, exporter: string, sample: Sample): void {
  const known = map.get(sample.name);
  if (known?.exporter === exporter) known.samples.push(sample);
  else if (known === undefined || exporter < known.exporter) {
    map.set(sample.name, { exporter, samples: [sample] });
  }
}

function samplesOf(map: ReadonlyMap<string, Told>): readonly Sample[] {
  return Array.from(map.values(), ({ samples }) => samples).flat();
}

function exporterOf({ labels }: Sample): string {
  return `${labels['instance']} ${labels['job']}`;
}

function notKnown(instance: string): DroverError {
  const message = `it has no series of now with the label instance="${instance}"; see its targets`;
  return new DroverError('unavailable', message, { reason: 'SOURCE_WITHOUT_METRICS' });
}

function nothingTold(down: readonly string[]): DroverError {
  if (down.length === 0) {
    return new DroverError('unavailable', 'it tells none of the metrics known here', {
      reason: 'SOURCE_WITHOUT_METRICS',
    });
  }
  const which = down.slice(0, 3).join(', ');
  return new DroverError('unavailable', `the Prometheus cannot scrape ${which}: up is 0 there`, {
    reason: 'SOURCE_NOT_SCRAPED',
  });
}
