/** Whom the server tells of jobs and schedules. */
import { forEachWord } from '#apps/drover/client/for-each-word.ts';
import { printAnswer } from '#apps/drover/client/print-answer.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { formatTable, printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation, OptionTable } from '#apps/drover/command.ts';
import { readSecretFile } from '#apps/drover/client/secret-text.ts';
import { warningsOf } from '#apps/drover/migrate/wire-job.ts';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { MIGRATION_EVENT_TYPES } from '#surfaces/migration/webhooks/migration-format.ts';

/** As the API answers it. */
interface WireWebhook {
  readonly id: string;
  readonly index: number;
  readonly url: string;
  readonly events: readonly string[];
  readonly enabled: boolean;
  readonly source: 'api' | 'config';
  readonly disabled_reason?: string;
  readonly delivery: { readonly failures: number; readonly last_error: string | null };
}

interface WireTest {
  readonly success: boolean;
  readonly status: number | null;
  readonly error: string | null;
  readonly latency_ms: number;
}

const WEBHOOKS = '/webhooks';
const MOST_WORDS = 100;
const OPTIONS: OptionTable = { ...SERVER_OPTIONS, ...JSON_OPTION };

export const webhooksList: Command = {
  name: 'webhooks list',
  group: 'Migration',
  usage: '',
  summary: 'List the webhooks of jobs and schedules, and how it goes with each',
  options: OPTIONS,
  words: { least: 0, most: 0 },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    const answer = await api.call('GET', WEBHOOKS);
    const { webhooks } = answer as { readonly webhooks: readonly WireWebhook[] };
    await printAnswer(invocation, answer, () => {
      const rows = webhooks.map((webhook) => [
        String(webhook.index),
        webhook.id,
        webhook.source,
        stateOf(webhook),
        webhook.events.length === MIGRATION_EVENT_TYPES.length ? 'all' : webhook.events.join(','),
        webhook.url,
      ]);
      return rows.length === 0
        ? ''
        : formatTable(['INDEX', 'ID', 'FROM', 'STATE', 'EVENTS', 'URL'], rows);
    });
    if (webhooks.length === 0) {
      invocation.terminal.note('no webhooks yet; make one with: drover webhooks add URL');
    }
  },
};

export const webhooksAdd: Command = {
  name: 'webhooks add',
  group: 'Migration',
  usage: 'URL',
  summary: 'Tell a URL of jobs and schedules from now on',
  details: [
    'Without --event it is told of everything. Deliveries are in order, at least once, and tried ' +
      'again for a day.',
  ],
  options: {
    event: {
      kind: 'list',
      argument: 'EVENT',
      doc: 'Only these.',
      choices: MIGRATION_EVENT_TYPES,
    },
    header: {
      kind: 'list',
      argument: 'NAME=VALUE',
      doc: 'Sent along; @FILE as the value is a file with it.',
    },
    timeout: { kind: 'text', argument: 'TIME', doc: 'How long the receiver has, up to 60s.' },
    retries: { kind: 'text', argument: 'N', doc: 'How often an event is tried again.' },
    'secret-file': {
      kind: 'text',
      argument: 'FILE',
      doc: 'A file with the secret that signs deliveries; - is the standard input.',
    },
    ...OPTIONS,
  },
  examples: [
    'drover webhooks add https://hooks.example.com/drover --event job.failed --event job.completed',
    'drover webhooks add https://hooks.example.com/x --header Authorization=@token.txt',
  ],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, terminal } = invocation;
    const secretFile = options.text('secret-file');
    const body = {
      url: words[0],
      events: options.list('event'),
      headers: await readHeaders(invocation),
      timeout: options.text('timeout'),
      retry_count: options.whole('retries', { least: 0, most: 999 }),
      secret:
        secretFile === undefined
          ? undefined
          : await readSecretFile(invocation, '--secret-file', secretFile),
    };
    const api = await openRestClient(invocation, 'operator');
    const answer = await api.call('POST', WEBHOOKS, body);
    for (const warning of warningsOf(answer)) terminal.note(`drover: ${warning}`);
    const { webhook } = answer as { readonly webhook: WireWebhook };
    await printAnswer(invocation, webhook, () => `${webhook.id}\n`);
    terminal.note(`try it with: drover webhooks test ${webhook.id}`);
  },
};

export const webhooksRemove: Command = {
  name: 'webhooks remove',
  group: 'Migration',
  usage: 'ID…',
  summary: 'Remove webhooks',
  details: ['An index is not taken: it changes when a webhook before it goes.'],
  options: OPTIONS,
  words: { least: 1, most: MOST_WORDS },
  async run(invocation) {
    const number = invocation.words.find((word) => /^\d+$/.test(word));
    if (number !== undefined) {
      throw invalidArgument('ID', `must be an id, as drover webhooks list shows it, not ${number}`);
    }
    const api = await openRestClient(invocation, 'operator');
    await forEachWord(invocation, async (id) => {
      await api.call('DELETE', webhookPath(id));
      return { text: `removed ${id}`, plain: { removed: id } };
    });
  },
};

export const webhooksTest: Command = {
  name: 'webhooks test',
  group: 'Migration',
  usage: 'ID|INDEX|URL',
  summary: 'Send an event that never happened, and say how that went',
  options: {
    event: { kind: 'text', argument: 'EVENT', doc: 'Which event, such as job.completed.' },
    ...OPTIONS,
  },
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options } = invocation;
    const [word = ''] = words;
    const event = options.text('event');
    const api = await openRestClient(invocation, 'operator');
    const answer = (await (word.includes('://')
      ? api.call('POST', `${WEBHOOKS}/test`, { url: word, event })
      : api.call('POST', `${webhookPath(word)}/test`, { event }))) as WireTest;
    const { success, status, error, latency_ms: ms } = answer;
    await printAnswer(invocation, answer, () => (success ? `taken: ${status}, in ${ms} ms\n` : ''));
    if (success) return;
    throw new DroverError('unavailable', `it was not taken: ${error ?? 'nobody knows why'}`, {
      reason: 'WEBHOOK_NOT_TAKEN',
    });
  },
};

/** What it is worth to hide comes from a file: arguments can be read by every user of a host. */
async function readHeaders(invocation: Invocation): Promise<object | undefined> {
  const headers: Record<string, string> = {};
  for (const text of invocation.options.list('header')) {
    const at = text.indexOf('=');
    if (at < 1) throw invalidArgument('--header', `must be NAME=VALUE, not ${text}`);
    const value = text.slice(at + 1);
    headers[text.slice(0, at)] = value.startsWith('@')
      ? await readSecretFile(invocation, '--header', value.slice(1))
      : value;
  }
  return Object.keys(headers).length === 0 ? undefined : headers;
}

function stateOf({ enabled, disabled_reason: why, delivery }: WireWebhook): string {
  if (!enabled) return why === undefined ? 'off' : `off: ${printable(why)}`;
  return delivery.failures === 0 ? 'on' : `failing: ${printable(delivery.last_error ?? '')}`;
}

function webhookPath(id: string): string {
  return `${WEBHOOKS}/${encodeURIComponent(id)}`;
}
