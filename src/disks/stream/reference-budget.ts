/**
 * No part of an image is used twice, so what its tables name cannot be more than the file holds.
 * Without that, a file of a few KiB whose entries all name the same place would be a disk of TiB.
 */
import { damagedImage } from '#disks/image-errors.ts';

export class ReferenceBudget {
  #left: number;

  constructor(fileBytes: number) {
    this.#left = fileBytes;
  }

  use(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw damagedImage('its tables name more than the file holds');
  }
}
