/**
 * As many node_exporters as one likes: every path answers what one tells of a host with 16
 * processors, some 1100 lines, compressed where that is asked for, as the real one does. Counters
 * go on; the text is made once for each step of them. Started by openChildServer.
 */
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { serveUntilTold } from './serve-until-told.ts';

const CPUS = 16;
const DISKS = 4;
const LINKS = 3;
const MOUNTS = 5;
const MODES = ['idle', 'iowait', 'irq', 'nice', 'softirq', 'steal', 'system', 'user'];
const MEMORY = [
  'MemTotal',
  'MemFree',
  'MemAvailable',
  'Buffers',
  'Cached',
  'SwapTotal',
  'SwapFree',
];
/** What nobody here wants is most of what a real one tells. */
const OTHERS = 600;
const STEP_MS = 250;
const GIB = 2 ** 30;

function numbered(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at);
}

function* linesAt(seconds: number): Generator<string> {
  for (const cpu of numbered(CPUS)) {
    for (const [at, mode] of MODES.entries()) {
      const share = mode === 'idle' ? 0.7 : 0.03 + at / 400;
      yield `node_cpu_seconds_total{cpu="${cpu}",mode="${mode}"} ${(seconds * share).toFixed(2)}`;
    }
  }
  for (const [at, name] of MEMORY.entries()) {
    yield `node_memory_${name}_bytes ${(64 - at * 6) * GIB + Math.round(seconds)}`;
  }
  for (const at of numbered(40)) yield `node_memory_Other${at}_bytes ${at * 4096}`;
  for (const at of numbered(MOUNTS)) {
    const labels = `{device="/dev/sd${at}1",fstype="ext4",mountpoint="/mnt/${at}"}`;
    yield `node_filesystem_size_bytes${labels} ${100 * GIB}`;
    yield `node_filesystem_avail_bytes${labels} ${(50 - at) * GIB - Math.round(seconds)}`;
    yield `node_filesystem_free_bytes${labels} ${(51 - at) * GIB - Math.round(seconds)}`;
    yield `node_filesystem_files${labels} 6553600`;
    yield `node_filesystem_files_free${labels} ${6_000_000 - Math.round(seconds)}`;
    yield `node_filesystem_readonly${labels} 0`;
  }
  for (const at of numbered(DISKS)) {
    for (const [rank, name] of [
      ...['read_bytes_total', 'written_bytes_total', 'reads_completed_total'],
      ...['writes_completed_total', 'io_time_seconds_total', 'read_time_seconds_total'],
    ].entries()) {
      yield `node_disk_${name}{device="nvme${at}n1"} ${(seconds * (rank + 0.1)).toFixed(3)}`;
    }
  }
  for (const at of numbered(LINKS)) {
    for (const name of ['receive_bytes', 'transmit_bytes', 'receive_packets', 'transmit_packets']) {
      yield `node_network_${name}_total{device="eth${at}"} ${Math.round(seconds * 1000)}`;
    }
    yield `node_network_receive_errs_total{device="eth${at}"} 0`;
    yield `node_network_transmit_errs_total{device="eth${at}"} 0`;
    yield `node_network_speed_bytes{device="eth${at}"} 1.25e+08`;
  }
  for (const what of ['cpu_waiting', 'memory_waiting', 'memory_stalled', 'io_waiting']) {
    yield `node_pressure_${what}_seconds_total ${(seconds / 100).toFixed(6)}`;
  }
  for (const name of ['load1', 'load5', 'load15']) yield `node_${name} 1.25`;
  yield `node_time_seconds ${1e9 + seconds}`;
  yield `node_boot_time_seconds 1e+09`;
  for (const at of numbered(OTHERS)) {
    yield `# TYPE node_other_${at} counter`;
    yield `node_other_${at}{part="${at % 7}",kind="somewhat longer"} ${Math.round(seconds * at)}`;
  }
}

let answer = { step: -1, plain: Buffer.alloc(0), zipped: Buffer.alloc(0) };

function answerNow(): typeof answer {
  const step = Math.floor(performance.now() / STEP_MS);
  if (answer.step !== step) {
    const plain = Buffer.from(`${[...linesAt(1000 + (step * STEP_MS) / 1000)].join('\n')}\n`);
    answer = { step, plain, zipped: gzipSync(plain) };
  }
  return answer;
}

const server = createServer((request, response) => {
  const { plain, zipped } = answerNow();
  const isZipped = request.headers['accept-encoding']?.includes('gzip') === true;
  const body = isZipped ? zipped : plain;
  response.writeHead(200, {
    ...{ 'content-type': 'text/plain; version=0.0.4', 'content-length': body.length },
    ...(isZipped && { 'content-encoding': 'gzip' }),
  });
  response.end(body);
});
// Who asks once a minute is not to connect anew each time.
server.keepAliveTimeout = 120_000;
await serveUntilTold(server);
