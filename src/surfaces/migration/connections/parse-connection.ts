/** What a request wants kept of a vCenter or a host. What values may be the domain knows. */
import { invalidArgument } from '#kernel/errors.ts';
import { flag, textMatching } from '#kernel/field-kinds.ts';
import { Problems, type FieldKind } from '#kernel/field-reader.ts';
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
  const { name, url, username, password, ...rest } = parseFields(body);
  if (name === undefined) throw invalidArgument('name', 'is missing');
  if (url === undefined) throw invalidArgument('vcenter_url', 'is missing');
  if (username === undefined) throw invalidArgument('username', 'is missing');
  if (password === undefined) throw invalidArgument('password', 'is missing');
  return { ...rest, name, url, username, password };
}

/** What is left out stays as it is, the password too; the name cannot be changed. */
export function parseConnectionChanges(body: unknown): ConnectionChanges {
  const { name: _name, ...changes } = parseFields(body);
  return changes;
}

function parseFields(body: unknown): ConnectionChanges & { readonly name?: string | undefined } {
  const problems = new Problems();
  const fields = readFields(body, Object.keys(CONNECTION_FIELDS), problems);
  const parsed = {
    name: fields.optional('name', text),
    url: readFirst(fields, URLS, text),
    username: fields.optional('username', text),
    password: fields.optional('password', secret),
    datacenter: fields.optional('datacenter', text),
    insecure: fields.optional('insecure', flag),
    thumbprint: fields.optional('thumbprint', text),
    ca: fields.optional('ca', text),
  };
  problems.throwAny('the connection cannot be taken');
  return parsed;
}
