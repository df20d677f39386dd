/** Asks before a rule is deleted, or is again as it ships: both are a DELETE. */
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { ConfirmDialog } from '#web/components/ConfirmDialog.tsx';
import { ALERTS } from '#web/text/alerts.ts';
import { rulePath, type Rule } from './rules.ts';

export interface RemoveRuleProps {
  readonly rule: Rule;
  readonly onClose: () => void;
}

export function RemoveRule({ rule, onClose }: RemoveRuleProps) {
  const { name, source } = rule;
  const isOwn = source === 'api';
  const remove = useAction({
    run: () => sendJson('DELETE', rulePath(rule)),
    done: () => (isOwn ? ALERTS.removed(name) : ALERTS.resetDone(name)),
    invalidates: [queryKeys.rules, queryKeys.alerts],
    onDone: onClose,
    showsError: true,
  });
  return (
    <ConfirmDialog
      title={isOwn ? ALERTS.removeTitle(name) : ALERTS.resetTitle(name)}
      action={isOwn ? ALERTS.remove : ALERTS.reset}
      kind={isOwn ? 'danger' : 'primary'}
      isBusy={remove.isBusy}
      error={remove.error?.message}
      onConfirm={() => remove.run(undefined)}
      onClose={onClose}
    >
      {isOwn ? ALERTS.removeText : ALERTS.resetText}
    </ConfirmDialog>
  );
}
