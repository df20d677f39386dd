/**
 * The port to where processes that share a database agree who tells of which watched server.
 *
 * Nobody's clock decides anything: a process that is there counts up its beat, and one whose beat
 * stands still through a number of looks is gone for those who look.
 */

/**
 * The right to tell of a server. Each claim makes another turn, so that whoever had it before is
 * refused by the store, however late that one finds out.
 */
export interface Tenure {
  readonly server: string;
  readonly holder: string;
  readonly turn: string;
}

export interface Teller extends Tenure {
  /** Stands for the rules that the holder brings along: it can tell of no others. */
  readonly rules: string;
}

export interface TellerBoard {
  readonly beats: ReadonlyMap<string, number>;
  readonly tellers: readonly Teller[];
}

export interface Claim {
  readonly server: string;
  /** What it ends; undefined where nobody tells of the server. */
  readonly before: Tenure | undefined;
}

export interface TellerStore {
  /** Counts up the beat of the holder, and reads how everything is then. */
  look(holder: string): Promise<TellerBoard>;
  /** Answers those that nobody else was quicker to claim. */
  claim(
    claimant: { readonly holder: string; readonly rules: string },
    claims: readonly Claim[],
  ): Promise<readonly Tenure[]>;
  /** Gives back what is still held. */
  release(tenures: readonly Tenure[]): Promise<void>;
  /** Gives back everything: the holder ends. */
  leave(holder: string): Promise<void>;
}
