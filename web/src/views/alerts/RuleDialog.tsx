/** A new rule, or another form of one. */
import { useState } from 'react';
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { Button } from '#web/components/Button.tsx';
import { Dialog } from '#web/components/Dialog.tsx';
import { ALERTS } from '#web/text/alerts.ts';
import { TEXT } from '#web/text/en.ts';
import { RuleFields } from './RuleFields.tsx';
import {
  EMPTY_FORM,
  RULES_PATH,
  formToRule,
  isNumber,
  rulePath,
  ruleToForm,
  type Rule,
} from './rules.ts';

export interface RuleDialogProps {
  /** Undefined: a new one. */
  readonly rule: Rule | undefined;
  readonly onClose: () => void;
}

export function RuleDialog({ rule, onClose }: RuleDialogProps) {
  const [form, setForm] = useState(() => (rule === undefined ? EMPTY_FORM : ruleToForm(rule)));
  const [isChecked, setChecked] = useState(false);
  const save = useAction({
    run: () =>
      rule === undefined
        ? sendJson<Rule>('POST', RULES_PATH, formToRule(form))
        : sendJson<Rule>('PATCH', rulePath(rule), formToRule(form)),
    done: ({ name }) => (rule === undefined ? ALERTS.created(name) : ALERTS.saved(name)),
    invalidates: [queryKeys.rules, queryKeys.alerts],
    onDone: onClose,
    showsError: true,
  });
  const submit = () => {
    setChecked(true);
    if (isNumber(form.value) && !save.isBusy) save.run(undefined);
  };
  const isFixed = rule?.source === 'config';
  return (
    <Dialog
      title={rule === undefined ? ALERTS.newRule : ALERTS.editRule(rule.name)}
      size="wide"
      onClose={onClose}
      onSubmit={submit}
      actions={
        <>
          <Button onClick={onClose}>{TEXT.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={save.isBusy} disabled={isFixed}>
            {rule === undefined ? ALERTS.createRule : ALERTS.save}
          </Button>
        </>
      }
    >
      {isFixed && <p className="quiet">{ALERTS.inConfig}</p>}
      <RuleFields
        form={form}
        onChange={(changes) => setForm({ ...form, ...changes })}
        mayRename={rule === undefined || rule.source === 'api'}
        errorOf={(field) => {
          if (field === 'value' && isChecked && !isNumber(form.value)) return ALERTS.form.number;
          return save.error?.facts.field === field ? save.error.message : undefined;
        }}
      />
      {save.error !== null && !((save.error.facts.field ?? '') in form) && (
        <p className="tone-error" role="alert">
          {save.error.message}
        </p>
      )}
    </Dialog>
  );
}
