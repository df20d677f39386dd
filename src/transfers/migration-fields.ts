/** The kinds of value that a request for a migration can hold. */
import { isAbsolute, normalize } from 'node:path';
import { textMatching } from '#kernel/field-kinds.ts';
import type { FieldKind, FieldReader } from '#kernel/field-reader.ts';
import { isJobId } from '#kernel/ids.ts';

const LONGEST_NAME = 200;
const LONGEST_PATH = 1024;
const LONGEST_SECRET = 1024;
const LONGEST_PEM = 256 * 1024;
const CONTROL = /\p{Cc}/u;

export const shortText = textMatching(
  `a text of 1 to ${LONGEST_NAME} characters without line breaks`,
  (text) => text.length > 0 && text.length <= LONGEST_NAME && !CONTROL.test(text),
);

/** It may hold a password, although it must not. */
export const addressText: FieldKind<string> = { ...shortText, isSecret: true };

/** Of a domain, a machine, and files on disk. */
export const targetName = textMatching(
  '1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit',
  (text) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text),
);

export const vmPath = textMatching(
  'the inventory path of a VM, such as Datacenter/vm/folder/name',
  (text) => text.length > 0 && text.length <= LONGEST_PATH && !CONTROL.test(text),
);

export const directoryPath = textMatching(
  'an absolute path without .. on the host of Drover',
  (text) =>
    text.length <= LONGEST_PATH &&
    isAbsolute(text) &&
    withoutSlash(normalize(text)) === withoutSlash(text) &&
    !CONTROL.test(text),
);

export const jobId = textMatching(
  '1 to 128 of A-Z a-z 0-9 . _ : -, beginning with a letter or digit',
  isJobId,
);

export const secretText: FieldKind<string> = {
  ...textMatching(
    `a text of at most ${LONGEST_SECRET} characters`,
    (text) => text.length <= LONGEST_SECRET,
  ),
  isSecret: true,
};

export const pemText = textMatching(
  'certificates in PEM, of at most 256 KiB',
  (text) => text.length <= LONGEST_PEM && text.includes('-----BEGIN CERTIFICATE-----'),
);

/** The first of the names that is there: what one API calls so, another calls differently. */
export function readFirst<T>(
  fields: FieldReader,
  names: readonly string[],
  kind: FieldKind<T>,
): T | undefined {
  const name = names.find((each) => fields.raw(each) !== undefined && fields.raw(each) !== null);
  return name === undefined ? undefined : fields.optional(name, kind);
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
