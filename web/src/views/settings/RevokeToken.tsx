/** Asks before a token is taken back: whatever uses it stops. */
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { ConfirmDialog } from '#web/components/ConfirmDialog.tsx';
import { SETTINGS } from '#web/text/settings.ts';
import { TOKENS_PATH, type Token } from './token-queries.ts';

const { tokens: words } = SETTINGS;

export interface RevokeTokenProps {
  readonly token: Token;
  readonly onClose: () => void;
}

export function RevokeToken({ token: { id, name, current }, onClose }: RevokeTokenProps) {
  const revoking = useAction({
    run: () => sendJson('DELETE', `${TOKENS_PATH}/${encodeURIComponent(id)}`),
    done: () => words.revoked(name),
    // With one's own token the session is over as well.
    invalidates: current ? [queryKeys.session] : [queryKeys.tokens],
    onDone: onClose,
    showsError: true,
  });
  return (
    <ConfirmDialog
      title={words.revokeTitle(name)}
      action={words.revokeAction}
      isBusy={revoking.isBusy}
      error={revoking.error?.message}
      onConfirm={() => revoking.run(undefined)}
      onClose={onClose}
    >
      {current ? words.revokeOwn : words.revokeText}
    </ConfirmDialog>
  );
}
