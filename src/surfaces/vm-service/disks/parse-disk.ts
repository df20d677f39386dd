/** What requests about disks say. */
import type { FastifyRequest } from 'fastify';
import { invalidArgument } from '#kernel/errors.ts';
import { oneOf, textMatching, whole } from '#kernel/field-kinds.ts';
import { FieldReader, Problems } from '#kernel/field-reader.ts';
import { createDiskId, isCustomerId, isDiskId, type CustomerId } from '#kernel/ids.ts';
import { DISK_FORMATS, type DiskDraft } from '#machines/disk.ts';
import type { DiskRef } from '#machines/disk-service.ts';

const KEYS = ['id', 'customer_id', 'name', 'format', 'size_bytes', 'sha256'];
/** As much as QEMU's own images may hold. */
const MOST_BYTES = 2 ** 46;
const LONGEST_NAME = 200;
const CONTROL = /\p{Cc}/u;

const diskId = textMatching(
  "1 to 64 letters, digits, '_' or '-', beginning with a letter or digit",
  isDiskId,
);
const customerId = textMatching(
  "1 to 128 letters, digits, '_', '.', '@', ':' or '-', beginning with a letter or digit",
  isCustomerId,
);
const name = textMatching(
  `a text of at most ${LONGEST_NAME} characters without line breaks`,
  (text) => text.length <= LONGEST_NAME && !CONTROL.test(text),
);
const digest = textMatching('a SHA-256 in 64 hexadecimal digits', (text) =>
  /^[0-9a-f]{64}$/i.test(text),
);

export type AskedDisk = Omit<DiskDraft, 'customerId'> & Omit<DiskRef, 'id'>;

export function parseDisk(body: unknown): AskedDisk {
  const problems = new Problems();
  const fields = FieldReader.over(body, 'the body', { known: KEYS, problems, isRoot: true });
  const id = fields.optional('id', diskId);
  const owner = fields.optional('customer_id', customerId);
  const disk = {
    name: fields.read('name', name, ''),
    format: fields.require('format', oneOf(DISK_FORMATS), 'raw'),
    sizeBytes: fields.require('size_bytes', whole(1, MOST_BYTES), 1),
    sha256: fields.optional('sha256', digest)?.toLowerCase(),
  };
  problems.throwAny('the disk cannot be taken');
  return {
    ...disk,
    id: id !== undefined && isDiskId(id) ? id : createDiskId(),
    customerId: owner !== undefined && isCustomerId(owner) ? owner : undefined,
  };
}

/** From `/v1/disks/{id}?customer_id=…`. */
export function parseDiskRef(request: FastifyRequest): DiskRef {
  const { id = '' } = request.params as { readonly id?: string };
  // What cannot be an id is that of no disk, but whoever mistyped it is told more than that.
  if (!isDiskId(id)) throw invalidArgument('id', `must be ${diskId.expectation}`);
  return { id, customerId: parseCustomer(request) };
}

/** Undefined: whoever asks. */
export function parseCustomer({ query }: FastifyRequest): CustomerId | undefined {
  const { customer_id: asked, ...others } = query as Readonly<Record<string, unknown>>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw invalidArgument(unknown, 'is not a parameter here; known: customer_id');
  }
  if (asked === undefined) return undefined;
  if (typeof asked === 'string' && isCustomerId(asked)) return asked;
  throw invalidArgument('customer_id', `must be ${customerId.expectation}`);
}

export function parseOffset({ headers }: FastifyRequest): number {
  const text = headers['upload-offset'];
  if (typeof text === 'string' && /^\d{1,15}$/.test(text)) return Number(text);
  throw invalidArgument(
    'Upload-Offset',
    'must be a header with the offset of the first byte; GET on the disk says where it goes on',
  );
}
