/** AMD's and Intel's GPUs, as far as their drivers tell in sysfs. */
import type { Clock } from '#kernel/clock.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import { counterDelta, toBasisPoints } from '#metrics/counter-delta.ts';
import type { GpuSample } from './gpu-sample.ts';
import { ReadingPace } from './reading-pace.ts';
import { listSysfsDir, readSysfsInteger, readSysfsText } from './sysfs-file.ts';

const LOOK_AGAIN_MS = MINUTE_MS;
const MEGAHERTZ = 1_000_000;
const MICROWATTS_PER_CENTIWATT = 10_000;
/** More than this is no power of one card, but an energy counter that was set anew. */
const MOST_CENTIWATTS = 5000 * 100;

/** PCI's numbers of the makers. NVIDIA's cards are read by its own program. */
const VENDORS: Readonly<Record<string, GpuSample['vendor']>> = {
  '0x1002': 'amd',
  '0x8086': 'intel',
};
const VENDOR_NAMES: Readonly<Record<GpuSample['vendor'], string>> = {
  nvidia: 'NVIDIA',
  amd: 'AMD',
  intel: 'Intel',
};
/** Of i915, older and newer, and of xe. */
const INTEL_FREQUENCY_FILES = [
  'gt/gt0/rps_act_freq_mhz',
  'gt_act_freq_mhz',
  'device/tile0/gt0/freq0/act_freq',
];

interface Card {
  readonly name: string;
  readonly directory: string;
  readonly vendor: GpuSample['vendor'];
  readonly model: string;
  readonly uuid: string | undefined;
  readonly hwmon: string | undefined;
  readonly pace: ReadingPace;
  energyMicroJ: number | undefined;
  readAtMs: number;
  sample: GpuSample | undefined;
}

export class DrmGpus {
  readonly #sysRoot: string;
  readonly #clock: Clock;
  #cards = new Map<string, Card>();
  #lookAgainAtMs = -Infinity;

  constructor(sysRoot: string, clock: Clock) {
    this.#sysRoot = sysRoot;
    this.#clock = clock;
  }

  read(): readonly GpuSample[] {
    if (this.#clock.monotonicMs() >= this.#lookAgainAtMs) {
      this.#findCards();
      this.#lookAgainAtMs = this.#clock.monotonicMs() + LOOK_AGAIN_MS;
    }
    return [...this.#cards.values()].flatMap((card) => {
      const startedMs = this.#clock.monotonicMs();
      if (card.pace.isDue(startedMs)) {
        card.sample = readCard(card, startedMs);
        card.pace.record(startedMs, this.#clock.monotonicMs() - startedMs);
      }
      return card.sample === undefined ? [] : [card.sample];
    });
  }

  #findCards(): void {
    const before = this.#cards;
    this.#cards = new Map();
    const root = `${this.#sysRoot}/class/drm`;
    // `card0-DP-1` is a socket of card0.
    for (const name of listSysfsDir(root).filter((entry) => /^card\d+$/.test(entry))) {
      const directory = `${root}/${name}`;
      const card = openCard(name, directory);
      if (card === undefined) continue;
      const known = before.get(name);
      const isSame = known?.model === card.model && known.hwmon === card.hwmon;
      this.#cards.set(name, isSame && known !== undefined ? known : card);
    }
  }
}

function openCard(name: string, directory: string): Card | undefined {
  const vendor = VENDORS[readSysfsText(`${directory}/device/vendor`) ?? ''];
  if (vendor === undefined) return undefined;
  const productName = readSysfsText(`${directory}/device/product_name`) ?? '';
  const deviceId = (readSysfsText(`${directory}/device/device`) ?? '').replace(/^0x/, '');
  const [hwmon] = listSysfsDir(`${directory}/device/hwmon`);
  return {
    name,
    directory,
    vendor,
    model: productName === '' ? `${VENDOR_NAMES[vendor]} ${deviceId}`.trim() : productName,
    uuid: readSysfsText(`${directory}/device/unique_id`) || undefined,
    hwmon: hwmon === undefined ? undefined : `${directory}/device/hwmon/${hwmon}`,
    pace: new ReadingPace(),
    energyMicroJ: undefined,
    readAtMs: 0,
    sample: undefined,
  };
}

/** Undefined when the card has nothing to tell, as one that only drives a screen. */
function readCard(card: Card, nowMs: number): GpuSample | undefined {
  const { name, directory, vendor, model, uuid, hwmon } = card;
  const inDevice = (file: string) => readSysfsInteger(`${directory}/device/${file}`);
  const inHwmon = (file: string) =>
    hwmon === undefined ? undefined : readSysfsInteger(`${hwmon}/${file}`);
  const busy = inDevice('gpu_busy_percent');
  const milliC = inHwmon('temp1_input');
  const pwm = inHwmon('pwm1');
  const values = {
    utilizationBps: busy === undefined ? undefined : toBasisPoints(busy, 100),
    memoryUsedBytes: inDevice('mem_info_vram_used'),
    memoryTotalBytes: inDevice('mem_info_vram_total'),
    temperatureDeciC: milliC === undefined ? undefined : Math.round(milliC / 100),
    powerCentiW: toCentiW(inHwmon('power1_average') ?? inHwmon('power1_input'), card, nowMs),
    fanBps: pwm === undefined ? undefined : toBasisPoints(pwm, 255),
    frequencyHz: vendor === 'intel' ? readIntelFrequency(directory) : readFrequency(hwmon),
  };
  if (Object.values(values).every((value) => value === undefined)) return undefined;
  return { gpu: name, vendor, model, uuid, ...values };
}

/** Where there is no power, there may be energy: its growth over the time is power. */
function toCentiW(microW: number | undefined, card: Card, nowMs: number): number | undefined {
  if (microW !== undefined) return Math.round(microW / MICROWATTS_PER_CENTIWATT);
  if (card.hwmon === undefined) return undefined;
  const energyMicroJ = readSysfsInteger(`${card.hwmon}/energy1_input`);
  const elapsedMs = nowMs - card.readAtMs;
  const grown =
    energyMicroJ === undefined
      ? undefined
      : counterDelta(card.energyMicroJ, energyMicroJ, elapsedMs);
  card.energyMicroJ = energyMicroJ;
  card.readAtMs = nowMs;
  if (grown === undefined) return undefined;
  // Microjoules a millisecond are milliwatts.
  const centiW = Math.round(grown / elapsedMs / 10);
  return centiW <= MOST_CENTIWATTS ? centiW : undefined;
}

function readIntelFrequency(directory: string): number | undefined {
  for (const file of INTEL_FREQUENCY_FILES) {
    const megahertz = readSysfsInteger(`${directory}/${file}`);
    if (megahertz !== undefined) return megahertz * MEGAHERTZ;
  }
  return undefined;
}

function readFrequency(hwmon: string | undefined): number | undefined {
  return hwmon === undefined ? undefined : readSysfsInteger(`${hwmon}/freq1_input`);
}
