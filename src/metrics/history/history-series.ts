/** A series that history knows: what identifies it, and its newest samples. */
import { METRIC_NAME, createLabels, seriesKey, type Labels } from '#metrics/labels.ts';
import type { ChunkEncoder } from './chunk-encoder.ts';
import type { StoredSeries } from './metric-store.ts';

export class HistorySeries {
  readonly id: number;
  readonly name: string;
  /** Without the name. */
  readonly labels: Labels;
  /** With the name, as readers are given it. */
  readonly fullLabels: Labels;
  readonly key: string;
  readonly createdAt: number;
  /** Of the samples that come now; each chunk keeps its own. */
  scale = 0;
  /** Of the present cut; samples go to the last of them. */
  chunks: ChunkEncoder[] = [];
  /** The newest sample, NaN when the series is absent. */
  last = NaN;
  /** When the last sample was; undefined while more come. */
  endedAt: number | undefined;
  /** How many hold on to it and may still append to it. */
  pins = 0;

  /** The last listing of what there is that it was in. */
  listing = 0;

  /** As the write-ahead log has it in its file of this number. */
  logged = NaN;
  loggedFile = 0;
  registeredFile = 0;

  /** As the store has it; undefined when it does not know the series. */
  stored: StoredSeries | undefined;

  constructor(identity: Omit<StoredSeries, 'endedAt'>) {
    this.id = identity.id;
    this.name = identity.name;
    this.labels = identity.labels;
    this.fullLabels = createLabels([
      [METRIC_NAME, identity.name],
      ...Object.entries(identity.labels),
    ]);
    this.key = seriesKey(identity.name, identity.labels);
    this.createdAt = identity.createdAt;
  }
}
