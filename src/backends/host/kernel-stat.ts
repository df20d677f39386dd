/** /proc/stat, read once in a tick for whoever wants some of it. */
import type { Tick } from '#metrics/collector.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { NamedRows } from './named-rows.ts';
import type { ProcFile, ProcReader } from './proc-file.ts';

/** In the order of the file; all in hundredths of a second. Guest time is also in user or nice. */
export const CPU_MODES = [
  'user',
  'nice',
  'system',
  'idle',
  'iowait',
  'irq',
  'softirq',
  'steal',
] as const;
const CPU_FIELDS = CPU_MODES.length + 2;
export const IDLE = 3;
export const IOWAIT = 4;
/** Only a processor that went and came back loses this much of its idle time. */
const HOTPLUG_TICKS = 300;

export class CpuTimes {
  readonly name: string;
  /** They never go back, though the kernel's own idle and iowait do, by a little. */
  readonly values = new Float64Array(CPU_FIELDS);
  /** Whether the kernel told them the last time it was asked. */
  isKnown = false;

  constructor(name: string) {
    this.name = name;
  }

  /** What an older kernel does not tell stays zero. */
  read(scanner: ByteScanner): void {
    const { values } = this;
    let known = 0;
    for (; known < CPU_FIELDS && !scanner.isAtLineEnd; known += 1) {
      const now = scanner.number();
      if (Number.isNaN(now)) break;
      fresh[known] = now;
    }
    this.isKnown = known > IDLE;
    if (!this.isKnown) return;
    if ((fresh[IDLE] ?? 0) + HOTPLUG_TICKS <= (values[IDLE] ?? 0)) values.fill(0);
    for (let field = 0; field < known; field += 1) {
      const now = fresh[field] ?? 0;
      if (now > (values[field] ?? 0)) values[field] = now;
    }
  }
}

const fresh = new Float64Array(CPU_FIELDS);

export class KernelStat implements Disposable {
  /** Of all processors together, also of those that are away now. */
  readonly all = new CpuTimes('');
  readonly cpus = new NamedRows<CpuTimes>((name) => new CpuTimes(name));
  interrupts = NaN;
  contextSwitches = NaN;
  bootTime = NaN;
  forks = NaN;
  running = NaN;
  blocked = NaN;
  readonly #file: ProcFile;
  #readFor: Tick | undefined;

  constructor(reader: ProcReader, procRoot: string) {
    this.#file = reader.open(`${procRoot}/stat`, { isOnePiece: true });
  }

  read(tick: Tick): void {
    if (this.#readFor === tick) return;
    const scanner = this.#file.require(tick.monotonicMs);
    this.#readFor = tick;
    this.interrupts = this.contextSwitches = this.bootTime = NaN;
    this.forks = this.running = this.blocked = NaN;
    this.all.isKnown = false;
    this.cpus.begin();
    while (!scanner.isAtEnd) {
      this.#readLine(scanner);
      scanner.skipLine();
    }
    this.cpus.end();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  /** The first letters tell the lines apart. */
  #readLine(scanner: ByteScanner): void {
    const { bytes, at } = scanner;
    scanner.skipWord();
    switch (bytes[at]) {
      case 99: // c
        if (bytes[at + 1] === 116) this.contextSwitches = scanner.number();
        else if (scanner.at === at + 3) this.all.read(scanner);
        else this.cpus.take(scanner, at + 3, scanner.at)?.read(scanner);
        break;
      case 105: // intr
        this.interrupts = scanner.number();
        break;
      case 98: // btime
        this.bootTime = scanner.number();
        break;
      case 112: // processes, procs_running, procs_blocked
        if (bytes[at + 4] === 101) this.forks = scanner.number();
        else if (bytes[at + 6] === 114) this.running = scanner.number();
        else this.blocked = scanner.number();
        break;
      default:
    }
  }
}
