/** The small text that says of a disk on a datastore in which files its content is. */
import { DroverError } from '#kernel/errors.ts';

const MOST_EXTENTS = 4096;
const NO_PARENT = 'ffffffff';

export interface VmdkDescriptor {
  readonly createType: string | undefined;
  /** Another one after each time that it was opened and written to. */
  readonly contentId: string | undefined;
  readonly hasParent: boolean;
  /** A file beside it, when the parent is there. */
  readonly parentName: string | undefined;
  readonly extents: readonly VmdkExtent[];
}

export interface VmdkExtent {
  readonly sectors: number;
  /** `VMFS`, `FLAT`, `SPARSE`, `SESPARSE`, `VMFSSPARSE`… */
  readonly kind: string;
  readonly name: string | undefined;
}

export interface FlatExtent {
  readonly name: string;
  readonly sectors: number;
}

/** `what` names the disk in errors. */
export function parseVmdkDescriptor(text: string, what: string): VmdkDescriptor {
  if (!/^# Disk DescriptorFile\s/.test(text)) throw refusal(what, 'has no descriptor');
  const settings = new Map<string, string>();
  const extents: VmdkExtent[] = [];
  for (const line of text.split(/\r?\n/)) {
    const extent = /^(?:RW|RDONLY|NOACCESS)\s+(\d{1,15})\s+(\w{1,20})(?:\s+"([^"]*)")?/.exec(line);
    const setting = /^\s*([\w.]+)\s*=\s*"?([^"]*?)"?\s*$/.exec(line);
    if (extent !== null) {
      const [, sectors, kind = '', name] = extent;
      if (extents.length >= MOST_EXTENTS) throw refusal(what, 'has too many extents');
      extents.push({ sectors: Number(sectors), kind, name });
    } else if (setting !== null) {
      settings.set((setting[1] ?? '').toLowerCase(), setting[2] ?? '');
    }
  }
  return {
    createType: settings.get('createtype'),
    contentId: settings.get('cid')?.toLowerCase(),
    hasParent: (settings.get('parentcid') ?? NO_PARENT).toLowerCase() !== NO_PARENT,
    parentName: settings.get('parentfilenamehint'),
    extents,
  };
}

/** The one flat file that is all of the disk. */
export function flatExtentOf({ extents }: VmdkDescriptor, what: string): FlatExtent {
  const [only, ...others] = extents;
  if (only === undefined || others.length > 0) {
    throw refusal(what, `is spread over ${extents.length} files`);
  }
  if (only.kind !== 'VMFS' && only.kind !== 'FLAT') {
    throw refusal(what, `is of the kind ${only.kind}, which is not flat`);
  }
  return { sectors: only.sectors, name: plainName(only.name, what) };
}

/** A file in the directory of the descriptor, and nowhere else. */
export function plainName(name: string | undefined, what: string): string {
  if (name !== undefined && /^[^/\\\u0000-\u001f]{1,255}$/.test(name) && !/^\.+$/.test(name)) {
    return name;
  }
  throw refusal(what, 'has its content in another directory');
}

function refusal(what: string, why: string): DroverError {
  return new DroverError(
    'failed_precondition',
    `${what} ${why}: it cannot be read from its datastore; use the conversion method nfc`,
    { reason: 'DISK_NOT_FLAT' },
  );
}
