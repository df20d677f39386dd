/** What waits in the queues of all UDP sockets together. */
import type { Collector } from '#metrics/collector.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';

const QUEUES = family('node_udp_queues', 'gauge', 'Bytes that wait in the queues of UDP sockets.');
const COLON = 58;

export function createUdpQueuesCollector({ table, reader, procRoot }: CollectorContext): Collector {
  const queues = table.family(QUEUES);
  const sources = (['v4', 'v6'] as const).map((ip) => ({
    file: reader.open(`${procRoot}/net/${ip === 'v4' ? 'udp' : 'udp6'}`),
    sent: queues.series({ ip, queue: 'tx' }),
    received: queues.series({ ip, queue: 'rx' }),
  }));
  return createCollector({
    name: 'udp_queues',
    files: sources.map(({ file }) => file),
    collect(tick) {
      for (const { file, sent, received } of sources) {
        const scanner = file.scan(tick.monotonicMs);
        if (scanner === undefined) continue;
        let sentBytes = 0;
        let receivedBytes = 0;
        scanner.skipLine();
        while (!scanner.isAtEnd) {
          // `25: 0100007F:0035 00000000:0000 07 TX:RX …`
          scanner.skipWords(4);
          const toSend = scanner.hex();
          if (scanner.skipPast(COLON)) {
            sentBytes += toSend;
            receivedBytes += scanner.hex();
          }
          scanner.skipLine();
        }
        sent.set(sentBytes);
        received.set(receivedBytes);
      }
    },
  });
}
