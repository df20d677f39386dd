/** What udev wrote down about a block device. */
import { readFileSync } from 'node:fs';
import { systemErrorCode } from '#kernel/errors.ts';
import type { LiveSeries, SampleTable } from '#metrics/sample-table.ts';
import { family } from './collector-context.ts';

const INFO = family('node_disk_info', 'gauge', 'Always 1; the labels tell what the device is.');
const FILESYSTEM = family(
  'node_disk_filesystem_info',
  'gauge',
  'Always 1; the labels tell which filesystem is on the device.',
);
const DEVICE_MAPPER = family(
  'node_disk_device_mapper_info',
  'gauge',
  'Always 1; the labels tell what the device mapper made the device for.',
);
const ATA = {
  ID_ATA_WRITE_CACHE: family('node_disk_ata_write_cache', 'gauge', 'Whether it has a cache.'),
  ID_ATA_WRITE_CACHE_ENABLED: family(
    'node_disk_ata_write_cache_enabled',
    'gauge',
    'Whether the cache is used.',
  ),
  ID_ATA_ROTATION_RATE_RPM: family(
    'node_disk_ata_rotation_rate_rpm',
    'gauge',
    'How often it turns in a minute; 0 for what does not turn.',
  ),
} as const;

interface Known {
  readonly series: LiveSeries;
  readonly sample: number;
}

type Properties = ReadonlyMap<string, string>;

export class DiskInfo {
  readonly #device: string;
  readonly #table: SampleTable;
  readonly #fileRoot: string;
  #known: readonly Known[] = [];
  #text: string | undefined;

  constructor(device: string, table: SampleTable, fileRoot: string) {
    this.#device = device;
    this.#table = table;
    this.#fileRoot = fileRoot;
  }

  set(disk: { readonly major: number; readonly minor: number; readonly isDue: boolean }): void {
    if (disk.isDue || this.#text === undefined) this.#refresh(disk.major, disk.minor);
    for (const { series, sample } of this.#known) series.set(sample);
  }

  #refresh(major: number, minor: number): void {
    const text = `${major}:${minor}\n${readUdevData(this.#fileRoot, major, minor)}`;
    if (text === this.#text) return;
    this.#text = text;
    const udev = parseProperties(text);
    const get = (name: string) => udev.get(name) ?? '';
    const labels = {
      device: this.#device,
      major: String(major),
      minor: String(minor),
      path: get('ID_PATH'),
      wwn: get('ID_WWN'),
      model: get('ID_MODEL'),
      serial: get('SCSI_IDENT_SERIAL') || get('ID_SERIAL_SHORT') || get('ID_SERIAL'),
      revision: get('ID_REVISION'),
    };
    const series = this.#table.family(INFO).series(labels);
    this.#known = [{ series, sample: 1 }, ...this.#filesystem(get), ...this.#mapper(get)];
    if (get('ID_ATA') !== '') this.#known = [...this.#known, ...this.#ata(udev)];
  }

  #filesystem(get: (name: string) => string): readonly Known[] {
    if (get('ID_FS_TYPE') === '') return [];
    const series = this.#table.family(FILESYSTEM).series({
      device: this.#device,
      type: get('ID_FS_TYPE'),
      usage: get('ID_FS_USAGE'),
      uuid: get('ID_FS_UUID'),
      version: get('ID_FS_VERSION'),
    });
    return [{ series, sample: 1 }];
  }

  #mapper(get: (name: string) => string): readonly Known[] {
    if (get('DM_NAME') === '') return [];
    const series = this.#table.family(DEVICE_MAPPER).series({
      device: this.#device,
      name: get('DM_NAME'),
      uuid: get('DM_UUID'),
      vg_name: get('DM_VG_NAME'),
      lv_name: get('DM_LV_NAME'),
      lv_layer: get('DM_LV_LAYER'),
    });
    return [{ series, sample: 1 }];
  }

  #ata(udev: Properties): readonly Known[] {
    return Object.entries(ATA).flatMap(([property, declared]) => {
      const text = udev.get(property) ?? '';
      if (!/^\d{1,15}$/.test(text)) return [];
      const series = this.#table.family(declared).series({ device: this.#device });
      return [{ series, sample: Number(text) }];
    });
  }
}

function readUdevData(fileRoot: string, major: number, minor: number): string {
  try {
    return readFileSync(`${fileRoot}/run/udev/data/b${major}:${minor}`, 'utf8');
  } catch (thrown) {
    // No udev here, as in a container, or it has not come to this device yet.
    if (systemErrorCode(thrown) !== undefined) return '';
    throw thrown;
  }
}

/** Lines of `E:NAME=value`; the others are for udev itself. */
function parseProperties(text: string): Properties {
  const properties = new Map<string, string>();
  for (const [, name = '', value = ''] of text.matchAll(/^E:(\w+)=(.*)$/gm)) {
    properties.set(name, value);
  }
  return properties;
}
