/** What is wrong in the form of a migration, and beside which field that is said. */
import { MIGRATIONS } from '#web/text/migrations.ts';
import { parseLimit } from './bandwidth.ts';
import type { Draft } from './draft.ts';

export type DraftErrors = Readonly<Partial<Record<keyof Draft, string>>>;

const { wrong } = MIGRATIONS.create;
const HOUR_S = 3600;

/** What can be seen without asking the server. */
export function findMistakes(draft: Draft): DraftErrors {
  const { power, shutdown, boot, start, parallel, priority, attempts, bandwidth } = draft;
  const isEmpty = (text: string) => text.trim() === '';
  return {
    ...placeMistakes(draft),
    ...(power === 'shutdown' && !isWhole(shutdown, 1, HOUR_S) && { shutdown: wrong.shutdown }),
    ...(start && !isWhole(boot, 0, HOUR_S) && { boot: wrong.boot }),
    ...(!isWhole(parallel, 1, 16) && { parallel: wrong.parallel }),
    ...(!isWhole(priority, -100, 100) && { priority: wrong.priority }),
    ...(!isEmpty(attempts) && !isWhole(attempts, 1, 100) && { attempts: wrong.attempts }),
    ...(parseLimit(bandwidth) === undefined && { bandwidth: MIGRATIONS.limit.wrong }),
  };
}

function placeMistakes({ type, uri, store, directory, customer, url, token }: Draft): DraftErrors {
  const isEmpty = (text: string) => text.trim() === '';
  const hasFolder = type === 'file' || (type === 'kvm' && store === 'directory');
  return {
    ...(type === 'kvm' && isEmpty(uri) && { uri: wrong.uri }),
    ...(hasFolder && !directory.startsWith('/') && { directory: wrong.directory }),
    ...(type === 'drover' && isEmpty(customer) && { customer: wrong.customer }),
    ...(type === 'drover' && !isEmpty(url) && isEmpty(token) && { token: wrong.token }),
  };
}

function isWhole(text: string, least: number, most: number): boolean {
  const number = /^-?\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN;
  return number >= least && number <= most;
}

const FIELDS: readonly (readonly [prefix: string, field: keyof Draft])[] = [
  ['destination.libvirt_uri', 'uri'],
  ['destination.pool', 'pool'],
  ['destination.directory', 'directory'],
  ['destination.customer_id', 'customer'],
  ['destination.url', 'url'],
  ['destination.token', 'token'],
  ['destination.thumbprint', 'thumbprint'],
  ['destination.ca', 'ca'],
  ['destination.ready_text', 'ready'],
  ['options.shutdown_timeout', 'shutdown'],
  ['options.boot_timeout', 'boot'],
  ['options.bandwidth_limit', 'bandwidth'],
  ['options.parallel_disks', 'parallel'],
  ['options.target_name', 'name'],
  ['options.conversion_method', 'method'],
  ['priority', 'priority'],
  ['max_attempts', 'attempts'],
];

/** Where the server's objection belongs; undefined when no field of the form is meant. */
export function draftFieldOf(serverField: string | undefined): keyof Draft | undefined {
  return FIELDS.find(([prefix]) => serverField?.startsWith(prefix))?.[1];
}
