/** Feeds that answer what a test says; they keep how often they were asked. */
import type { ServerId } from '#kernel/ids.ts';
import type { SourceSpec, WatchedServer } from '#fleet/server.ts';
import type { FeedOpener, FeedReading, FeedRequest, SourceFeed } from '#fleet/source-feed.ts';

export type FakeAnswer = FeedReading | Error | 'hangs';

export class FakeFeeds implements FeedOpener {
  /** By URL; a source without one answers with nothing. */
  readonly answers = new Map<string, FakeAnswer>();
  readonly polls = new Map<string, number>();
  readonly openUrls = new Set<string>();

  keyOf({ id, spec }: FeedRequest): string {
    return spec.kind === 'prometheus' ? spec.url : `${id} ${urlOf(spec)}`;
  }

  open(requests: readonly FeedRequest[]): SourceFeed {
    const [first] = requests;
    if (first === undefined) throw new Error('a feed of nothing');
    const { kind } = first.spec;
    const url = urlOf(first.spec);
    this.openUrls.add(url);
    return {
      ...{ kind, label: `${kind} ${url}` },
      poll: async (signal) => {
        this.polls.set(url, (this.polls.get(url) ?? 0) + 1);
        const answer = this.answers.get(url) ?? {};
        if (answer instanceof Error) throw answer;
        if (answer === 'hangs') return await hang(signal);
        return new Map(requests.map(({ id }) => [id, answer]));
      },
      [Symbol.asyncDispose]: () => {
        this.openUrls.delete(url);
        return Promise.resolve();
      },
    };
  }
}

export function exporter(url: string): SourceSpec {
  const trust = { ca: undefined, thumbprint: undefined, isInsecure: false };
  return { kind: 'exporter', url, trust, sealedSecret: undefined };
}

export function watched(id: string, ...sources: readonly SourceSpec[]): WatchedServer {
  return { id: id as ServerId, name: id, roles: ['any'], sources, origin: 'config' };
}

function urlOf(spec: SourceSpec): string {
  return spec.kind === 'local' ? 'local' : spec.url;
}

function hang(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  return promise;
}
