/** Asks before an app is deleted, or another of its versions is the current one. */
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { ConfirmDialog } from '#web/components/ConfirmDialog.tsx';
import { WORKERS } from '#web/text/workers.ts';
import { appPath, type App } from './worker-queries.ts';

export interface AppDialogProps {
  readonly app: App;
  readonly onClose: () => void;
}

const INVALIDATED = [queryKeys.apps, queryKeys.workerPool];

export interface RemoveAppProps extends AppDialogProps {
  readonly onRemoved: () => void;
}

export function RemoveApp({ app: { name }, onRemoved, onClose }: RemoveAppProps) {
  const remove = useAction({
    run: () => sendJson('DELETE', appPath(name)),
    done: () => WORKERS.removed(name),
    invalidates: INVALIDATED,
    onDone: onRemoved,
    showsError: true,
  });
  return (
    <ConfirmDialog
      title={WORKERS.removeTitle(name)}
      action={WORKERS.remove}
      typeToConfirm={name}
      isBusy={remove.isBusy}
      error={remove.error?.message}
      onConfirm={() => remove.run(undefined)}
      onClose={onClose}
    >
      {WORKERS.removeText}
    </ConfirmDialog>
  );
}

export interface MakeCurrentProps extends AppDialogProps {
  readonly version: string;
}

export function MakeCurrent({ app: { name }, version, onClose }: MakeCurrentProps) {
  const change = useAction({
    run: () => sendJson('POST', `${appPath(name)}/rollback`, { version }),
    done: () => WORKERS.madeCurrent(name, version),
    invalidates: INVALIDATED,
    onDone: onClose,
    showsError: true,
  });
  return (
    <ConfirmDialog
      title={WORKERS.makeCurrentTitle(name, version)}
      action={WORKERS.makeCurrent}
      kind="primary"
      isBusy={change.isBusy}
      error={change.error?.message}
      onConfirm={() => change.run(undefined)}
      onClose={onClose}
    >
      {WORKERS.makeCurrentText}
    </ConfirmDialog>
  );
}
