/** What a look before the start found out. */
export interface Finding {
  /** A stable kebab-case word that programs can switch on, such as `vm-is-running`. */
  readonly code: string;
  /** An `error` keeps the job from starting; a `warning` is for whoever reads it. */
  readonly severity: 'error' | 'warning' | 'info';
  /** What it is about, such as the label of a disk; undefined: the VM. */
  readonly subject: string | undefined;
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string | undefined;
}
