/** Sockets by protocol. */
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';
import { NamedRows } from './named-rows.ts';
import { readPageSize } from './page-size.ts';

interface Field {
  readonly series: LiveSeries;
  /** For what is told in pages. */
  readonly bytes: LiveSeries | undefined;
}

interface Protocol {
  readonly fields: NamedRows<Field>;
}

export function createSockstatCollector(context: CollectorContext): Collector {
  const { table, reader, procRoot } = context;
  const pageBytes = readPageSize(procRoot);
  const gauge = (name: string, help: string) =>
    table.family(family(`node_sockstat_${name}`, 'gauge', help)).series();
  const createField = (protocol: string, field: string): Field => ({
    series: gauge(`${protocol}_${field}`, `Sockets of ${protocol}: ${field}.`),
    bytes:
      field === 'mem'
        ? gauge(`${protocol}_mem_bytes`, `Memory that sockets of ${protocol} use, in bytes.`)
        : undefined,
  });
  const sources = ['sockstat', 'sockstat6'].map((name) => ({
    file: reader.open(`${procRoot}/net/${name}`),
    protocols: new NamedRows<Protocol>((protocol) => ({
      fields: new NamedRows((field) => createField(protocol, field)),
    })),
  }));
  return createCollector({
    name: 'sockstat',
    files: sources.map(({ file }) => file),
    collect(tick) {
      for (const { file, protocols } of sources) {
        const scanner = file.scan(tick.monotonicMs);
        // One of the two is absent where IPv6 is switched off.
        if (scanner === undefined) continue;
        protocols.begin();
        while (!scanner.isAtEnd) readLine(scanner, protocols, pageBytes);
        protocols.end();
      }
    },
  });
}

/** `TCP: inuse 4 orphan 0 tw 1 alloc 4 mem 0` */
function readLine(scanner: ByteScanner, protocols: NamedRows<Protocol>, pageBytes: number): void {
  const start = scanner.at;
  scanner.skipWord();
  const fields = protocols.take(scanner, start, Math.max(start, scanner.at - 1))?.fields;
  fields?.begin();
  scanner.skipBlanks();
  while (fields !== undefined && !scanner.isAtLineEnd) {
    const from = scanner.at;
    scanner.skipWord();
    const field = fields.take(scanner, from, scanner.at);
    const value = scanner.number();
    field?.series.set(value);
    field?.bytes?.set(value * pageBytes);
    scanner.skipBlanks();
  }
  fields?.end();
  scanner.skipLine();
}
