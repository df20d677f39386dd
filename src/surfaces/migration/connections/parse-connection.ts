/** What a request wants kept of a vCenter or a host. What values may be the domain knows. */
import { flag, textMatching } from '#kernel/field-kinds.ts';
import { Problems, type FieldKind, type FieldReader } from '#kernel/field-reader.ts';
import type { KnownNames } from '#surfaces/migration/near-misses.ts';
import { readFields } from '#surfaces/migration/read-fields.ts';
import type { ConnectionChanges, ConnectionDraft } from '#transfers/connection-service.ts';
import { readFirst } from '#transfers/migration-fields.ts';

export const CONNECTION_FIELDS: KnownNames = {
  ...{ name: true, type: true, vcenter_url: true, server: true, url: true, username: true },
  ...{ password: true, datacenter: true, insecure: true, thumbprint: true, ca: true },
  // What `GET` answers besides, so that its answer can be sent back.
  ...{ has_password: true, created_at: true, updated_at: true },
};

const URLS = ['vcenter_url', 'server', 'url'];

const text = textMatching('a text', () => true);
const secret: FieldKind<string> = { ...text, isSecret: true };

export function parseConnection(body: unknown): ConnectionDraft {
  return readConnection(body, (fields) => {
    for (const name of ['name', 'username', 'password']) assertThere(fields, name, [name]);
    assertThere(fields, 'vcenter_url', URLS);
    const { name = '', url = '', username = '', password = '', ...rest } = readChanges(fields);
    return { ...rest, name, url, username, password };
  });
}

/** What is left out stays as it is, the password too; the name cannot be changed. */
export function parseConnectionChanges(body: unknown): ConnectionChanges {
  const { name: _name, ...changes } = readConnection(body, readChanges);
  return changes;
}

function readConnection<T>(body: unknown, read: (fields: FieldReader) => T): T {
  const problems = new Problems();
  const known = read(readFields(body, Object.keys(CONNECTION_FIELDS), problems));
  problems.throwAny('the connection cannot be taken');
  return known;
}

function assertThere(fields: FieldReader, name: string, names: readonly string[]): void {
  if (!names.some((each) => fields.has(each))) fields.refuse(name, 'is missing');
}

function readChanges(fields: FieldReader) {
  return {
    name: fields.optional('name', text),
    url: readFirst(fields, URLS, secret),
    username: fields.optional('username', text),
    password: fields.optional('password', secret),
    datacenter: fields.optional('datacenter', text),
    insecure: fields.optional('insecure', flag),
    thumbprint: fields.optional('thumbprint', text),
    ca: fields.optional('ca', text),
  };
}
