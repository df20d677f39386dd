/** The API tokens that there are and were: who can use Drover, and since when nobody did. */
import { useState } from 'react';
import { useMayChange } from '#web/api/session.ts';
import { useNow } from '#web/app/use-now.ts';
import { Age } from '#web/components/Age.tsx';
import { Button } from '#web/components/Button.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Menu } from '#web/components/Menu.tsx';
import { Status, type StatusKind } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { isKnown } from '#web/format/numbers.ts';
import { parseInstant } from '#web/format/times.ts';
import { SETTINGS } from '#web/text/settings.ts';
import { RevokeToken } from './RevokeToken.tsx';
import { useTokens, type Token } from './token-queries.ts';

const { tokens: words } = SETTINGS;

const MINUTE_MS = 60_000;
/** Within this time somebody has to see to it that whoever uses it gets another. */
const SOON_MS = 7 * 24 * 3600 * 1000;

const KINDS: Readonly<Record<Token['state'], StatusKind>> = {
  ...{ active: 'ok', expired: 'idle', revoked: 'idle' },
};

const COLUMNS: readonly Column<Token>[] = [
  {
    ...{ id: 'name', title: words.columns.name, width: 'fit' },
    cell: ({ id, name, current }) => (
      <span title={id}>
        {name} {current && <span className="tag">{words.current}</span>}
      </span>
    ),
  },
  {
    ...{ id: 'reach', title: words.columns.reach, width: 'grow' },
    cell: ({ scope, customer_id: customer }) => words.reach(scope, customer ?? ''),
  },
  {
    ...{ id: 'state', title: words.columns.state, width: 'fit' },
    cell: (token) => <TokenState token={token} />,
  },
  {
    ...{ id: 'used', title: words.columns.used, align: 'end' },
    cell: ({ last_used_at: at }) => <AgeOrNever at={at} />,
  },
  {
    ...{ id: 'expires', title: words.columns.expires, align: 'end', hideBelow: 'tablet' },
    cell: ({ state, expires_at: at }) => state !== 'revoked' && <AgeOrNever at={at} />,
  },
  {
    ...{ id: 'created', title: words.columns.created, align: 'end', hideBelow: 'tablet' },
    cell: ({ created_at: at }) => <Age at={parseInstant(at)} />,
  },
];

export function TokenSettings() {
  const tokens = useTokens();
  const [asked, ask] = useState<Token>();
  const mayChange = useMayChange();
  const actions: Column<Token> = {
    ...{ id: 'actions', title: '', align: 'end', width: 'fit' },
    cell: (token) =>
      token.state === 'active' && (
        <Menu
          label={SETTINGS.actions.of(token.name)}
          items={[
            { title: words.revoke, icon: 'trash', kind: 'danger', onChoose: () => ask(token) },
          ]}
        />
      ),
  };
  return (
    <>
      <Loaded query={tokens}>
        {({ pages }) => (
          <Table
            label={words.title}
            rows={pages.flatMap((page) => page.tokens)}
            rowKey={({ id }) => id}
            columns={mayChange ? [...COLUMNS, actions] : COLUMNS}
            empty={<EmptyState title={words.none}>{words.noneHint}</EmptyState>}
          />
        )}
      </Loaded>
      {tokens.hasNextPage && (
        <p className="hint">
          <Button
            size="small"
            isBusy={tokens.isFetchingNextPage}
            onClick={() => void tokens.fetchNextPage()}
          >
            {words.older}
          </Button>
        </p>
      )}
      {asked !== undefined && <RevokeToken token={asked} onClose={() => ask(undefined)} />}
    </>
  );
}

function AgeOrNever({ at }: { readonly at: string | null }) {
  if (at === null) return <span className="quiet">{words.never}</span>;
  return <Age at={parseInstant(at)} />;
}

function TokenState({ token: { state, expires_at: at } }: { readonly token: Token }) {
  const nowMs = useNow(MINUTE_MS);
  const endsMs = parseInstant(at);
  const isEnding = state === 'active' && isKnown(endsMs) && endsMs - nowMs < SOON_MS;
  if (isEnding) return <Status kind="warning">{words.endsSoon}</Status>;
  return <Status kind={KINDS[state]}>{words.states[state]}</Status>;
}
