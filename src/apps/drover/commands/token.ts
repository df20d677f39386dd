/** API tokens. These commands work on the database itself: who may open it is an operator. */
import type { NewToken, TokenInfo, TokenService } from '#access/token-service.ts';
import { formatAge, formatTable, printable } from '#apps/drover/client/text-table.ts';
import { DATA_OPTIONS } from '#apps/drover/command-settings.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation } from '#apps/drover/command.ts';
import { loadConfig } from '#apps/drover/config-file.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { toIsoTime } from '#kernel/clock.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';

const UNITS: Readonly<Record<string, number>> = {
  s: SECOND_MS,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: 24 * HOUR_MS,
};

export const tokenCreate: Command = {
  name: 'token create',
  group: 'Access',
  usage: 'NAME',
  summary: 'Make an API token and show it, this once',
  details: [
    'The token alone goes to stdout, so that it can be sent straight to a file. Only a hash of ' +
      'it is stored.',
  ],
  options: {
    customer: { kind: 'text', argument: 'ID', doc: 'Whose machines it is for.' },
    operator: { kind: 'flag', doc: 'Sees and changes the machines of all customers.' },
    'read-only': { kind: 'flag', doc: 'Changes nothing.' },
    expires: { kind: 'text', argument: 'AGE', doc: 'How long it is good for, such as 12h or 90d.' },
    ...DATA_OPTIONS,
    ...JSON_OPTION,
  },
  examples: [
    'drover token create ci --customer acme > ci.token',
    'drover token create ops --operator --expires 90d',
  ],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, terminal, clock } = invocation;
    const [name = ''] = words;
    const customerId = options.text('customer');
    const expires = options.text('expires');
    if (options.flag('operator') && options.flag('read-only')) {
      throw invalidArgument('--read-only', 'cannot be combined with --operator');
    }
    const notOperator = options.flag('read-only') ? 'read-only' : 'customer';
    const wanted: NewToken = {
      name,
      scope: options.flag('operator') ? 'operator' : notOperator,
      ...(customerId === undefined ? {} : { customerId }),
      ...(expires === undefined ? {} : { expiresAt: clock.nowMs() + parseAge(expires) }),
    };
    if (wanted.scope !== 'operator' && customerId === undefined) {
      throw invalidArgument('--customer', 'must say whose token it is, or --operator be given');
    }
    const { token, secret } = await withTokens(invocation, (tokens) => tokens.createToken(wanted));
    if (options.flag('json')) {
      await terminal.write(`${JSON.stringify({ ...tokenToPlain(token), token: secret })}\n`);
      return;
    }
    terminal.note(`token ${token.id} (${token.scope}); it is not shown again:`);
    await terminal.write(`${secret}\n`);
  },
};

export const tokenList: Command = {
  name: 'token list',
  group: 'Access',
  usage: '',
  summary: 'List the API tokens, without their secrets',
  options: { ...DATA_OPTIONS, ...JSON_OPTION },
  words: { least: 0, most: 0 },
  async run(invocation) {
    const { options, terminal, clock } = invocation;
    const tokens = await withTokens(invocation, (service) => service.listTokens());
    if (options.flag('json')) {
      await terminal.write(`${JSON.stringify({ tokens: tokens.map(tokenToPlain) }, null, 2)}\n`);
      return;
    }
    const nowMs = clock.nowMs();
    const rows = tokens.map((token) => [
      token.id,
      printable(token.name),
      token.scope,
      token.customerId ?? '-',
      formatAge(nowMs - token.createdAt),
      token.lastUsedAt === null ? 'never' : `${formatAge(nowMs - token.lastUsedAt)} ago`,
      stateOf(token, nowMs),
    ]);
    const header = ['ID', 'NAME', 'SCOPE', 'CUSTOMER', 'AGE', 'USED', 'STATE'];
    await terminal.write(formatTable(header, rows));
  },
};

export const tokenRevoke: Command = {
  name: 'token revoke',
  group: 'Access',
  usage: 'ID',
  summary: 'Take an API token back; servers refuse it within five seconds',
  options: { ...DATA_OPTIONS, ...JSON_OPTION },
  words: { least: 1, most: 1 },
  async run(invocation) {
    const [id = ''] = invocation.words;
    const token = await withTokens(invocation, (tokens) => tokens.revokeToken(id));
    const json = invocation.options.flag('json');
    await invocation.terminal.write(
      json ? `${JSON.stringify(tokenToPlain(token))}\n` : `revoked ${token.id}\n`,
    );
  },
};

async function withTokens<T>(
  { options, env }: Invocation,
  work: (tokens: TokenService) => Promise<T>,
): Promise<T> {
  const loaded = await loadConfig(options.settings(), env);
  // Loaded here, because the other commands start faster without a database.
  const { openTokens } = await import('#apps/drover/context.ts');
  await using opened = await openTokens(loaded);
  return await work(opened.tokens);
}

function parseAge(text: string): number {
  const match = /^([1-9]\d{0,5})([smhd])$/.exec(text);
  if (match === null) throw invalidArgument('--expires', `must be such as 12h or 90d, not ${text}`);
  return Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0);
}

function stateOf(token: TokenInfo, nowMs: number): string {
  if (token.revokedAt !== null) return 'revoked';
  if (token.expiresAt === null) return 'active';
  return token.expiresAt <= nowMs
    ? 'expired'
    : `active, ${formatAge(token.expiresAt - nowMs)} left`;
}

function tokenToPlain(token: TokenInfo) {
  const instant = (ms: number | null) => (ms === null ? null : toIsoTime(ms));
  return {
    id: token.id,
    name: token.name,
    scope: token.scope,
    customer_id: token.customerId,
    created_at: instant(token.createdAt),
    expires_at: instant(token.expiresAt),
    revoked_at: instant(token.revokedAt),
    last_used_at: instant(token.lastUsedAt),
  };
}
