/** How many neighbours are known on each interface. */
import type { Collector } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';

const ENTRIES = family('node_arp_entries', 'gauge', 'Neighbours in the ARP table.');
/** Address, hardware type, flags, hardware address, mask; then the device. */
const COLUMNS_BEFORE = 5;

interface Device {
  readonly name: Buffer;
  readonly series: LiveSeries;
  entries: number;
}

export function createArpCollector({ table, reader, procRoot }: CollectorContext): Collector {
  const file = reader.open(`${procRoot}/net/arp`);
  const entries = table.family(ENTRIES);
  let devices: Device[] = [];
  const find = (scanner: ByteScanner, from: number, to: number): Device => {
    for (const device of devices) if (scanner.matches(from, to, device.name)) return device;
    const name = scanner.text(from, to);
    const made = { name: Buffer.from(name), series: entries.series({ device: name }), entries: 0 };
    devices.push(made);
    return made;
  };
  return createCollector({
    name: 'arp',
    files: [file],
    collect(tick) {
      const scanner = file.require(tick.monotonicMs);
      for (const device of devices) device.entries = 0;
      scanner.skipLine();
      while (!scanner.isAtEnd) {
        scanner.skipWords(COLUMNS_BEFORE);
        scanner.skipBlanks();
        const start = scanner.at;
        scanner.skipWord();
        if (scanner.at > start) find(scanner, start, scanner.at).entries += 1;
        scanner.skipLine();
      }
      if (devices.some((device) => device.entries === 0)) {
        devices = devices.filter((device) => device.entries > 0);
      }
      for (const device of devices) device.series.set(device.entries);
    },
  });
}
