/** What /sys/class/net tells of an interface, attribute by attribute. */
import type { LiveFamily, LiveSeries, SampleTable } from '#metrics/sample-table.ts';
import { family } from './collector-context.ts';
import { readSysfsText } from './sysfs-file.ts';

interface Attribute {
  readonly file: string;
  /** Of the metric, after `node_network_`. */
  readonly name: string;
  readonly factor?: number;
}

const BYTES_PER_MEGABIT = 125_000;
const ATTRIBUTES: readonly Attribute[] = [
  { file: 'addr_assign_type', name: 'address_assign_type' },
  { file: 'carrier', name: 'carrier' },
  { file: 'carrier_changes', name: 'carrier_changes_total' },
  { file: 'carrier_up_count', name: 'carrier_up_changes_total' },
  { file: 'carrier_down_count', name: 'carrier_down_changes_total' },
  { file: 'dev_id', name: 'device_id' },
  { file: 'dormant', name: 'dormant' },
  { file: 'flags', name: 'flags' },
  { file: 'ifindex', name: 'iface_id' },
  { file: 'iflink', name: 'iface_link' },
  { file: 'link_mode', name: 'iface_link_mode' },
  { file: 'mtu', name: 'mtu_bytes' },
  { file: 'name_assign_type', name: 'name_assign_type' },
  { file: 'netdev_group', name: 'net_dev_group' },
  // A link that does not know its speed says -1, and that is what is told.
  { file: 'speed', name: 'speed_bytes', factor: BYTES_PER_MEGABIT },
  { file: 'tx_queue_len', name: 'transmit_queue_length' },
  { file: 'type', name: 'protocol_type' },
];
const UP = family(
  'node_network_up',
  'gauge',
  'Whether the interface can carry traffic: 1 for the state `up`, 0 for any other.',
);
const INFO = family(
  'node_network_info',
  'gauge',
  'Always 1; the labels tell what is not a number about the interface.',
);

export class NetAttributes {
  readonly #name: string;
  readonly #series: readonly LiveSeries[];
  readonly #values = new Float64Array(ATTRIBUTES.length).fill(NaN);
  readonly #up: LiveSeries;
  readonly #infos: LiveFamily;
  #info: LiveSeries | undefined;
  #infoKey = '';
  #isUp = false;

  constructor(name: string, table: SampleTable, families: readonly LiveFamily[]) {
    this.#name = name;
    this.#series = families.map((each) => each.series({ device: name }));
    this.#up = table.family(UP).series({ device: name });
    this.#infos = table.family(INFO);
  }

  /** Reads all of them; those that the device does not have, or hides while down, are absent. */
  refresh(directory: string): void {
    const operstate = readSysfsText(`${directory}/operstate`);
    if (operstate === undefined) {
      // Not an interface, or one that has just gone.
      this.#info = undefined;
      this.#infoKey = '';
      this.#values.fill(NaN);
      return;
    }
    for (const [index, { file, factor = 1 }] of ATTRIBUTES.entries()) {
      this.#values[index] = parseAttribute(readSysfsText(`${directory}/${file}`)) * factor;
    }
    this.#isUp = operstate === 'up';
    const labels = {
      device: this.#name,
      operstate,
      ...Object.fromEntries(
        ['address', 'broadcast', 'duplex', 'ifalias'].map((file) => [
          file,
          readSysfsText(`${directory}/${file}`) ?? '',
        ]),
      ),
    };
    const key = JSON.stringify(labels);
    if (key === this.#infoKey) return;
    this.#infoKey = key;
    this.#info = this.#infos.series(labels);
  }

  set(): void {
    if (this.#info === undefined) return;
    this.#info.set(1);
    this.#up.set(this.#isUp ? 1 : 0);
    for (let index = 0; index < this.#series.length; index += 1) {
      this.#series[index]?.set(this.#values[index] ?? NaN);
    }
  }
}

/** Declares the families; what comes back makes the attributes of an interface. */
export function declareNetAttributes(table: SampleTable): (name: string) => NetAttributes {
  const families = ATTRIBUTES.map(({ file, name }) => {
    const kind = name.endsWith('_total') ? 'counter' : 'gauge';
    const help = `What the interface tells of itself as ${file}.`;
    return table.family(family(`node_network_${name}`, kind, help));
  });
  return (name) => new NetAttributes(name, table, families);
}

/** `0x1003` and `-1` are both numbers here. */
function parseAttribute(text: string | undefined): number {
  return text !== undefined && /^(?:0x[0-9a-f]+|-?\d+)$/i.test(text) ? Number(text) : NaN;
}
