/**
 * How many processes there are; threads do not count. Listing /proc costs more than most samples
 * together, but the link count of /proc tells too: 2, one for each ordinary directory in it, and
 * one for each process. That is checked against a listing now and then; where it does not hold
 * (in a container, where it counts the processes of the host, or with `hidepid`), it is listed.
 */
import { readdirSync, statSync } from 'node:fs';
import type { Collector } from '#metrics/collector.ts';
import { type CollectorContext, createCollector, family, SeldomTurn } from './collector-context.ts';

const PROCESSES = family('drover_processes', 'gauge', 'Processes, threads not counted.');

export function createProcessCountCollector({ table, procRoot }: CollectorContext): Collector {
  const series = table.family(PROCESSES).series();
  const turn = new SeldomTurn();
  /** Links that are not processes; undefined where links tell nothing. */
  let otherLinks: number | undefined;
  return createCollector({
    name: 'process_count',
    collect(tick) {
      let count: number;
      if (turn.isDue(tick)) {
        const before = statSync(procRoot).nlink;
        const listed = listProc(procRoot);
        const after = statSync(procRoot).nlink;
        otherLinks = 2 + listed.directories;
        const fromLinks = [before - otherLinks, after - otherLinks];
        // Processes may come and go while they are listed.
        const isLikely =
          listed.processes >= Math.min(...fromLinks) && listed.processes <= Math.max(...fromLinks);
        if (!isLikely) otherLinks = undefined;
        count = listed.processes;
      } else if (otherLinks === undefined) {
        count = listProc(procRoot).processes;
      } else {
        count = statSync(procRoot).nlink - otherLinks;
      }
      series.set(count);
      tick.readings.processCount = count;
    },
  });
}

interface Listing {
  readonly processes: number;
  /** That are not of a process. */
  readonly directories: number;
}

function listProc(procRoot: string): Listing {
  let processes = 0;
  let directories = 0;
  for (const entry of readdirSync(procRoot, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    if (/^\d+$/.test(entry.name)) processes += 1;
    else directories += 1;
  }
  return { processes, directories };
}
