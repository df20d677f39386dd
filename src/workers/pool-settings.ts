/** How large the pool may get, and how it fills. */
export interface PoolSettings {
  /** The most workers of all apps together. */
  readonly size: number;
  /** What all workers may take together; fewer than `size` run when it is reached. */
  readonly memoryBytes: number;
  /** Generic processes kept ready, as soon as there is an app that could take one over. */
  readonly warm: number;
  /** Never more members are started at the same time. */
  readonly startsAtOnce: number;
}
