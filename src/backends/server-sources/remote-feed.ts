/** A source elsewhere, loaded when it is first asked: many servers watch nothing but themselves. */
import type { ServerId } from '#kernel/ids.ts';
import type { SourceKind } from '#fleet/server.ts';
import type { FeedReading, SourceFeed } from '#fleet/source-feed.ts';

export interface RemoteFeedOptions {
  readonly kind: SourceKind;
  readonly label: string;
  /** Called again if it failed. */
  readonly load: () => Promise<SourceFeed>;
}

export class RemoteFeed implements SourceFeed {
  readonly kind: SourceKind;
  readonly label: string;
  readonly #load: () => Promise<SourceFeed>;
  #feed: SourceFeed | undefined;

  constructor({ kind, label, load }: RemoteFeedOptions) {
    this.kind = kind;
    this.label = label;
    this.#load = load;
  }

  async poll(signal: AbortSignal): Promise<ReadonlyMap<ServerId, FeedReading | Error>> {
    this.#feed ??= await this.#load();
    return await this.#feed.poll(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#feed?.[Symbol.asyncDispose]();
  }
}
