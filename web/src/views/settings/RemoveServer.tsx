/** Asks before a server is watched no longer. */
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { ConfirmDialog } from '#web/components/ConfirmDialog.tsx';
import { SETTINGS } from '#web/text/settings.ts';
import { settingsPath, type ServerSettings } from './server-settings.ts';

export interface RemoveServerProps {
  readonly server: ServerSettings;
  readonly onClose: () => void;
}

export function RemoveServer({ server: { id, name }, onClose }: RemoveServerProps) {
  const remove = useAction({
    run: () => sendJson('DELETE', settingsPath(id)),
    done: () => SETTINGS.removed(name),
    invalidates: [queryKeys.serverSettings, queryKeys.servers],
    onDone: onClose,
    showsError: true,
  });
  return (
    <ConfirmDialog
      title={SETTINGS.removeTitle(name)}
      action={SETTINGS.remove}
      isBusy={remove.isBusy}
      error={remove.error?.message}
      onConfirm={() => remove.run(undefined)}
      onClose={onClose}
    >
      {SETTINGS.removeText}
    </ConfirmDialog>
  );
}
