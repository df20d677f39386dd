/** Counters of the network protocols. */
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';
import { KeyedLines } from './keyed-lines.ts';

/** Those that mean trouble or load; there are four hundred more. */
const WANTED = new RegExp(
  `^(${[
    '\\w+_(InErrors|InErrs)',
    'Ip_Forwarding',
    'Ip(6|Ext)_(InOctets|OutOctets)',
    'Icmp6?_(InMsgs|OutMsgs)',
    'TcpExt_(Listen\\w*|Syncookies\\w*|TCPSynRetrans|TCPTimeouts)',
    'Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)',
    'Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors)',
  ].join('|')})$`,
);

type FindSeries = (name: string) => LiveSeries | undefined;

export function createNetstatCollector({ table, reader, procRoot }: CollectorContext): Collector {
  const find: FindSeries = (name) => {
    if (!WANTED.test(name)) return undefined;
    const help = `What the kernel counts as ${name.replace('_', '')}.`;
    return table.family(family(`node_netstat_${name}`, 'untyped', help)).series();
  };
  const snmp6 = new KeyedLines((key) => {
    const series = find(key.replace('6', '6_'));
    return series === undefined ? undefined : { series, factor: 1, value: NaN };
  });
  const paired = ['netstat', 'snmp'].map((name) => ({
    file: reader.open(`${procRoot}/net/${name}`, { isOnePiece: true }),
    tables: new PairedLines(find),
  }));
  const file6 = reader.open(`${procRoot}/net/snmp6`, { isOnePiece: true });
  return createCollector({
    name: 'netstat',
    files: [...paired.map(({ file }) => file), file6],
    collect(tick) {
      for (const { file, tables } of paired) tables.read(file.require(tick.monotonicMs));
      const scanner = file6.scan(tick.monotonicMs);
      // Absent where IPv6 is switched off.
      if (scanner !== undefined) snmp6.read(scanner);
    },
  });
}

interface Table {
  readonly header: Buffer;
  /** Up to the last that is wanted. */
  readonly columns: readonly (LiveSeries | undefined)[];
}

/** Lines in twos: `Tcp: ActiveOpens InSegs` and `Tcp: 12 3456`. */
class PairedLines {
  readonly #find: FindSeries;
  readonly #tables: Table[] = [];

  constructor(find: FindSeries) {
    this.#find = find;
  }

  read(scanner: ByteScanner): void {
    for (let position = 0; !scanner.isAtEnd; position += 1) {
      const start = scanner.at;
      scanner.skipLine();
      let table = this.#tables[position];
      if (table === undefined || !startsWith(scanner, start, table.header)) {
        table = this.#learn(scanner.text(start, scanner.at));
        this.#tables[position] = table;
      }
      scanner.skipWords(1);
      for (const series of table.columns) {
        if (series === undefined) scanner.skipWords(1);
        else series.set(scanner.number());
      }
      scanner.skipLine();
    }
  }

  #learn(header: string): Table {
    const [protocol = '', ...names] = header.trimEnd().split(' ');
    const columns = names.map((name) => this.#find(`${protocol.replace(':', '')}_${name}`));
    while (columns.length > 0 && columns.at(-1) === undefined) columns.pop();
    return { header: Buffer.from(header), columns };
  }
}

function startsWith({ bytes, at }: ByteScanner, start: number, header: Buffer): boolean {
  return bytes.compare(header, 0, header.length, start, at) === 0;
}
