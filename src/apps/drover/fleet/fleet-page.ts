/** This page of `drover top` is about all servers: what needs attention comes first. */
import { formatTable } from '#apps/drover/client/text-table.ts';
import type { LivePage } from '#apps/drover/top/live-view.ts';
import type { PageLimits, PageLine } from '#apps/drover/top/top-page.ts';
import { SERVER_HEADER, serverToCells } from './server-text.ts';
import { byAttention, type WireServerState } from './wire-server.ts';

export interface FleetPageOptions {
  /** Where it was asked. */
  readonly url: string;
  readonly ask: (signal: AbortSignal) => Promise<readonly WireServerState[]>;
}

/** The title, an empty line and the heading of the table. */
const HEAD_LINES = 3;

export class FleetPage implements LivePage {
  readonly help = 'drover top SERVER shows one';
  readonly #options: FleetPageOptions;
  #servers: readonly WireServerState[] = [];

  constructor(options: FleetPageOptions) {
    this.#options = options;
  }

  async ask(_rows: number, signal: AbortSignal): Promise<void> {
    this.#servers = await this.#options.ask(signal);
  }

  lines(limits: Pick<PageLimits, 'lines'>): readonly PageLine[] {
    return fleetToLines(this.#options.url, this.#servers, limits.lines);
  }

  onKey(): boolean {
    return false;
  }
}

function fleetToLines(
  url: string,
  servers: readonly WireServerState[],
  mostLines: number,
): readonly PageLine[] {
  const sorted = servers.toSorted(byAttention);
  const online = servers.filter(({ status }) => status === 'online').length;
  const alerts = servers.reduce((sum, server) => sum + server.alerts, 0);
  const all = countOf(servers.length, 'server');
  const title = `${all} at ${url}, ${online} online, ${countOf(alerts, 'alert')} firing`;
  const table = formatTable(SERVER_HEADER, sorted.map(serverToCells)).trimEnd().split('\n');
  const [heading = '', ...rows] = table;
  const room = Math.max(1, mostLines - HEAD_LINES);
  // The last line says how many are not shown.
  const shown = rows.length <= room ? rows : rows.slice(0, room - 1);
  const left = rows.length - shown.length;
  return [
    { text: title, look: 'heading' },
    { text: '', look: 'plain' },
    { text: heading, look: 'heading' },
    ...shown.map((text, at): PageLine => ({ text, look: lookOf(sorted[at]) })),
    ...(left > 0 ? [{ text: `… and ${left} more`, look: 'plain' as const }] : []),
  ];
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function lookOf(server: WireServerState | undefined): PageLine['look'] {
  return server?.status === 'offline' || server?.status === 'error' ? 'alarm' : 'plain';
}
