/** The checksums that come with an OVF: `SHA256(disk1.vmdk)= 9f86…`, one line for each file. */
import type { HashAlgorithm } from '#disks/hash-file.ts';
import { damagedPackage } from './package-error.ts';

export interface Checksum {
  readonly algorithm: HashAlgorithm;
  /** In lower-case hex. */
  readonly digest: string;
}

/** By the name of the file. */
export type Manifest = ReadonlyMap<string, Checksum>;

const LINE = /^(SHA1|SHA256|SHA512) ?\(([^\n]{1,255})\) ?= ?([0-9a-f]+)$/i;
const HEX_DIGITS = { sha1: 40, sha256: 64, sha512: 128 } as const;

export function parseManifest(text: string): Manifest {
  const manifest = new Map<string, Checksum>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [, word = '', name = '', digest = ''] = LINE.exec(line.trim()) ?? [];
    const algorithm = toAlgorithm(word);
    if (algorithm === undefined || digest.length !== HEX_DIGITS[algorithm] || manifest.has(name)) {
      throw damagedPackage(
        `line ${index + 1} of its manifest is not SHA1, SHA256 or SHA512 of another file`,
      );
    }
    manifest.set(name, { algorithm, digest: digest.toLowerCase() });
  }
  return manifest;
}

function toAlgorithm(word: string): HashAlgorithm | undefined {
  switch (word.toUpperCase()) {
    case 'SHA1':
      return 'sha1';
    case 'SHA256':
      return 'sha256';
    case 'SHA512':
      return 'sha512';
    default:
      return undefined;
  }
}
