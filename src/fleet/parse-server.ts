/** Servers as people write them, in requests and in the config file, which have one form. */
import { oneOf, textMatching } from '#kernel/field-kinds.ts';
import { FieldReader, Problems } from '#kernel/field-reader.ts';
import { isServerId, type ServerId } from '#kernel/ids.ts';
import { parseSource, type SourceDraft } from './parse-source.ts';
import { SERVER_ROLES, type ServerRole } from './server.ts';

export interface ServerDraft {
  readonly id: ServerId;
  readonly name: string;
  readonly roles: readonly ServerRole[];
  readonly sources: readonly SourceDraft[];
}

/** What is undefined stays as it is. */
export type ServerChanges = {
  readonly [field in Exclude<keyof ServerDraft, 'id'>]: ServerDraft[field] | undefined;
};

export const MOST_SERVERS = 1000;
const MOST_SOURCES = 8;
const LONGEST_NAME = 100;
/** Words that stand where ids do and are something else: they follow `/api/servers/`. */
const TAKEN_IDS: readonly string[] = [
  ...['overview', 'summary'],
  // What the fleet's API calls the first server of a role.
  ...['ai_server', 'app_server', 'storage_server'],
];
const FIELDS = ['id', 'name', 'roles', 'sources'];
/** What answers hold besides, so that an answer can be sent back. */
const ANSWERED_FIELDS = ['origin', 'created_at', 'updated_at'];

const id = textMatching(
  'up to 63 lower-case letters, digits or _ . -, starting with a letter or digit',
  isServerId,
);
const name = textMatching(
  `a text of 1 to ${LONGEST_NAME} letters`,
  (text) => /\S/.test(text) && text.length <= LONGEST_NAME && !/\p{Cc}/u.test(text),
);
const role = oneOf(SERVER_ROLES);

export function parseServer(body: unknown): ServerDraft {
  const problems = new Problems();
  const draft = readServer(overBody(body, problems), problems);
  problems.throwAny('the server cannot be taken');
  return draft;
}

/** The id cannot be changed; one that is sent back is let pass. */
export function parseServerChanges(body: unknown): ServerChanges {
  const problems = new Problems();
  const fields = overBody(body, problems);
  const has = (field: string) => fields.has(field);
  const changes = {
    name: fields.optional('name', name),
    roles: has('roles') ? readRoles(fields) : undefined,
    sources: has('sources') ? readSources(fields, problems) : undefined,
  };
  problems.throwAny('the server cannot be changed so');
  return changes;
}

/** All of a config file's. */
export function parseServers(entries: readonly unknown[], path: string): readonly ServerDraft[] {
  const problems = new Problems();
  if (entries.length > MOST_SERVERS) problems.add(path, `must be at most ${MOST_SERVERS} servers`);
  const drafts = new Map<ServerId, ServerDraft>();
  for (const [at, entry] of entries.slice(0, MOST_SERVERS).entries()) {
    const place = `${path}[${at}]`;
    const draft = readServer(FieldReader.over(entry, place, { known: FIELDS, problems }), problems);
    if (drafts.has(draft.id)) problems.add(`${place}.id`, `${draft.id} is that of another already`);
    drafts.set(draft.id, draft);
  }
  problems.throwAny('the servers cannot be taken');
  return [...drafts.values()];
}

function overBody(body: unknown, problems: Problems): FieldReader {
  const known = [...FIELDS, ...ANSWERED_FIELDS];
  return FieldReader.over(body, 'server', { known, problems, isRoot: true });
}

function readServer(fields: FieldReader, problems: Problems): ServerDraft {
  const given = fields.require('id', id, '');
  if (TAKEN_IDS.includes(given)) fields.refuse('id', 'means something else; choose another');
  return {
    id: given as ServerId,
    name: fields.read('name', name, given),
    roles: readRoles(fields),
    sources: readSources(fields, problems),
  };
}

function readRoles(fields: FieldReader): readonly ServerRole[] {
  if (!fields.has('roles')) return ['any'];
  const given = fields.raw('roles');
  const roles = fields.listOf('roles', SERVER_ROLES.length, role);
  if (Array.isArray(given) && given.length === 0) fields.refuse('roles', 'must not be empty');
  return [...new Set(roles)];
}

function readSources(fields: FieldReader, problems: Problems): readonly SourceDraft[] {
  const sources = fields.list('sources', MOST_SOURCES, (raw, path) =>
    parseSource(raw, path, problems),
  );
  const raw = fields.raw('sources');
  if (raw === undefined || (Array.isArray(raw) && raw.length === 0)) {
    fields.refuse('sources', `must be a list of 1 to ${MOST_SOURCES} sources`);
  }
  if (sources.filter(({ spec }) => spec.kind === 'local').length > 1) {
    fields.refuse('sources', 'has local more than once');
  }
  return sources;
}
