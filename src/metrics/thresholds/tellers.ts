/**
 * Which process tells of which watched server, where several watch it over one database.
 *
 *              nobody tells of it, or who did is gone
 *   waiting ───────────────────────────────────────────▶ held
 *      ▲  ◀─────────────────────────────────────────────
 *      │       somebody else took this one to be gone
 *      └──▶ own: who holds it has other rules
 *
 * What always holds:
 * - Every process judges all that it sees; only who holds a server tells of it. So what is shown
 *   is the same everywhere, and whoever takes over is in the midst of it already.
 * - A tenure is worth what the store says: each transition is written only while its turn lasts.
 *   So nothing is told twice, and it does no harm that one who is slow is taken to be gone.
 * - What no other process can know about is told by each on its own: series without a server,
 *   those of servers that are the process's own host, and everything while the other one's rules
 *   are different. Being told twice is the lesser evil.
 */
import type { Log } from '#kernel/log.ts';
import type { Labels } from '#metrics/labels.ts';
import type { Claim, Teller, TellerStore, Tenure } from './teller-store.ts';

/** Under which the states of servers are kept that several processes watch. */
export const SHARED_INSTANCE = '*';
const SERVER_LABEL = 'server';

/** `own`: told by this process, whatever others do. `waiting`: told by none, or by another one. */
export type Standing = 'own' | 'waiting' | Tenure;

/** Of all that have one; what is not among them stands by the rules in `standingOf`. */
export type Standings = ReadonlyMap<string, Standing>;

export interface SharedServers {
  readonly store: TellerStore;
  /** Names this process among those that share the database, and stays over a restart. */
  readonly holder: string;
  /**
   * That other processes may watch too. The same list until there is another one; undefined while
   * that is not known yet.
   */
  readonly servers: () => readonly string[] | undefined;
}

export interface TellersParts extends SharedServers {
  /** The same for all whose rules are the same; those of the database are the same for all. */
  readonly rules: string;
  readonly log: Log;
}

/** A process is gone when so many looks in a row found the same beat: half a minute. */
const GONE_LOOKS = 6;
/** After ten minutes also for those who do not watch the server: its alerts must come to an end. */
const ABANDONED_LOOKS = 120;
/** For so long nobody tells of what goes on under the name of a server that was removed. */
const REMOVED_LOOKS = 24;

interface Beat {
  readonly beat: number;
  readonly sameLooks: number;
}

export class Tellers {
  readonly #parts: TellersParts;
  #standings: Standings = new Map();
  /** Before that nobody knows what was told of any server, of the process's own host too. */
  #isSettled = false;
  #beats: ReadonlyMap<string, Beat> = new Map();
  /** Looks since servers were removed, or since the last alert of those that are held ended. */
  #removed: ReadonlyMap<string, number> = new Map();
  #known: { readonly list: readonly string[]; readonly set: ReadonlySet<string> } | undefined;
  #lookedAt: readonly string[] | undefined;

  constructor(parts: TellersParts) {
    this.#parts = parts;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Whether there are other servers than at the last look. */
  get isBehind(): boolean {
    return this.#parts.servers() !== this.#lookedAt;
  }

  /** Of how many servers this process tells for all. */
  get heldCount(): number {
    return this.#standings.values().filter(isTenure).toArray().length;
  }

  standingOf(labels: Labels): Standing {
    const server = serverOf(labels);
    if (server === undefined) return 'own';
    if (!this.#isSettled) return 'waiting';
    return this.#standings.get(server) ?? (this.#wanted()?.has(server) ? 'waiting' : 'own');
  }

  /**
   * Shows that this process is there, and takes what nobody tells of. The answer holds from the
   * moment at which it is given to `settle`; undefined while nobody knows which servers there are,
   * and when there are none.
   */
  async look(alerted: ReadonlySet<string>): Promise<Standings | undefined> {
    const wanted = this.#wanted();
    if (wanted === undefined) return undefined;
    this.#lookedAt = this.#known?.list;
    // Most hosts watch nobody: what they held once was seen to at the first look.
    if (this.#isSettled && wanted.size === 0 && this.#standings.size === 0) return undefined;
    const { store, holder, log } = this.#parts;
    const { beats, tellers } = await store.look(holder);
    this.#beats = countSameLooks(this.#beats, beats);
    const rows = new Map(tellers.map((teller) => [teller.server, teller]));
    const claims = this.#claimsOf(wanted, rows);
    const won = claims.length === 0 ? [] : await store.claim(this.#parts, claims);
    const gone = won.length > 0 && claims.some(({ before }) => before && before.holder !== holder);
    if (gone) log.info({ servers: won.length }, 'alerts of a process that is gone are told here');
    const claimed = new Map(claims.map(({ server }) => [server, undefined]));
    const held = new Map<string, Tenure | undefined>([
      ...claimed,
      ...won.map((tenure) => [tenure.server, tenure] as const),
    ]);
    const next = new Map<string, Standing>();
    for (const server of wanted) next.set(server, this.#stand(server, rows.get(server), held));
    for (const tenure of won) next.set(tenure.server, tenure);
    await this.#keepRemoved(next, { wanted, rows, alerted });
    return next;
  }

  /** The servers whose standing is about to be another one. */
  changesTo(next: Standings): ReadonlySet<string> {
    const before = this.#standings;
    const servers = [...new Set([...before.keys(), ...next.keys()])];
    return new Set(servers.filter((each) => !isSame(before.get(each), next.get(each))));
  }

  settle(next: Standings): void {
    const lost = this.#standings.entries().filter(([server, standing]) => {
      return isTenure(standing) && next.has(server) && !isTenure(next.get(server));
    });
    const servers = lost.toArray().length;
    if (servers > 0) this.#parts.log.warn({ servers }, 'another process tells of servers now');
    this.#standings = next;
    this.#isSettled = true;
  }

  /** Others need not find out that this process is gone. */
  async leave(): Promise<void> {
    if (this.#lookedAt !== undefined) await this.#parts.store.leave(this.#parts.holder);
  }

  #wanted(): ReadonlySet<string> | undefined {
    const list = this.#parts.servers();
    if (list === undefined) return undefined;
    if (list !== this.#known?.list) this.#known = { list, set: new Set(list) };
    return this.#known.set;
  }

  #claimsOf(wanted: ReadonlySet<string>, rows: ReadonlyMap<string, Teller>): readonly Claim[] {
    const claims: Claim[] = [];
    for (const server of wanted) {
      const before = rows.get(server);
      if (before === undefined || this.#isOver(before, GONE_LOOKS)) claims.push({ server, before });
    }
    for (const [server, before] of rows) {
      if (wanted.has(server) || !this.#isOver(before, ABANDONED_LOOKS)) continue;
      claims.push({ server, before });
    }
    return claims;
  }

  /** This process may have held it before it was started again. */
  #isOver(teller: Teller, looks: number): boolean {
    if (teller.holder === this.#parts.holder) return !this.#isHeld(teller);
    return (this.#beats.get(teller.holder)?.sameLooks ?? Infinity) >= looks;
  }

  #isHeld({ server, turn }: Teller): boolean {
    const standing = this.#standings.get(server);
    return isTenure(standing) && standing.turn === turn;
  }

  #stand(
    server: string,
    row: Teller | undefined,
    claimed: ReadonlyMap<string, Tenure | undefined>,
  ): Standing {
    // Somebody was quicker; the next look says who.
    if (claimed.has(server)) return claimed.get(server) ?? 'waiting';
    if (row === undefined) return 'waiting';
    if (row.holder === this.#parts.holder) return row;
    return row.rules === this.#parts.rules ? 'waiting' : 'own';
  }

  /** What fires for a server that is watched no more still ends, and that is told once. */
  async #keepRemoved(
    next: Map<string, Standing>,
    { wanted, rows, alerted }: RemovedParts,
  ): Promise<void> {
    const removed = new Map<string, number>();
    const released: Tenure[] = [];
    for (const [server, standing] of this.#standings) {
      if (wanted.has(server) || next.has(server) || standing === 'own') continue;
      const row = rows.get(server);
      if (row !== undefined && this.#isHeld(row)) {
        if (alerted.has(server)) {
          next.set(server, row);
        } else if (this.#removed.has(server)) {
          released.push(row);
        } else {
          // That its alerts need not be kept any more may be on its way to the store.
          removed.set(server, 1);
          next.set(server, row);
        }
        continue;
      }
      const looks = (this.#removed.get(server) ?? 0) + 1;
      if (!alerted.has(server) || looks > REMOVED_LOOKS) continue;
      removed.set(server, looks);
      next.set(server, 'waiting');
    }
    this.#removed = removed;
    if (released.length > 0) await this.#parts.store.release(released);
  }
}

interface RemovedParts {
  readonly wanted: ReadonlySet<string>;
  readonly rows: ReadonlyMap<string, Teller>;
  /** For which there are alerts. */
  readonly alerted: ReadonlySet<string>;
}

export function serverOf(labels: Labels): string | undefined {
  return labels[SERVER_LABEL];
}

export function isTenure(standing: Standing | undefined): standing is Tenure {
  return typeof standing === 'object';
}

function isSame(before: Standing | undefined, next: Standing | undefined): boolean {
  if (isTenure(before) && isTenure(next)) return before.turn === next.turn;
  return before === next;
}

function countSameLooks(
  before: ReadonlyMap<string, Beat>,
  beats: ReadonlyMap<string, number>,
): ReadonlyMap<string, Beat> {
  const counted = new Map<string, Beat>();
  for (const [holder, beat] of beats) {
    const known = before.get(holder);
    const sameLooks = known?.beat === beat ? known.sameLooks + 1 : 0;
    counted.set(holder, { beat, sameLooks });
  }
  return counted;
}
