/** Finds the UEFI firmware of the host: Debian's OVMF. */
import { access } from 'node:fs/promises';

import { DroverError } from '#kernel/errors.ts';

export interface EfiFirmware {
  readonly codePath: string;
  /** Copied for each guest, which keeps its settings in it. */
  readonly varsTemplatePath: string;
}

const FIRMWARES: readonly EfiFirmware[] = [
  {
    codePath: '/usr/share/OVMF/OVMF_CODE_4M.fd',
    varsTemplatePath: '/usr/share/OVMF/OVMF_VARS_4M.fd',
  },
  { codePath: '/usr/share/OVMF/OVMF_CODE.fd', varsTemplatePath: '/usr/share/OVMF/OVMF_VARS.fd' },
];

export async function findEfiFirmware(): Promise<EfiFirmware> {
  for (const firmware of FIRMWARES) {
    try {
      await access(firmware.codePath);
      await access(firmware.varsTemplatePath);
      return firmware;
    } catch {
      // Not this one; the next may be there.
    }
  }
  throw new DroverError(
    'failed_precondition',
    'this host has no UEFI firmware for guests; install the package ovmf',
    { reason: 'FIRMWARE_MISSING' },
  );
}
