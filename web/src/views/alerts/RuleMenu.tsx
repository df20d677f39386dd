/** What can be done with one rule. */
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { Menu, type MenuItem } from '#web/components/Menu.tsx';
import { ALERTS } from '#web/text/alerts.ts';
import { rulePath, type Rule } from './rules.ts';

export interface RuleMenuProps {
  readonly rule: Rule;
  readonly onEdit: () => void;
  readonly onRemove: () => void;
}

const { actions } = ALERTS;

export function RuleMenu({ rule, onEdit, onRemove }: RuleMenuProps) {
  const { name, enabled, source, overridden } = rule;
  const toggle = useAction({
    run: (isOn: boolean) => sendJson<Rule>('PATCH', rulePath(rule), { enabled: isOn }),
    done: (_answer, isOn) => (isOn ? ALERTS.enabled(name) : ALERTS.disabled(name)),
    invalidates: [queryKeys.rules, queryKeys.alerts],
  });
  const isFixed = source === 'config';
  const refusal = isFixed ? { disabled: true, hint: ALERTS.inConfig } : {};
  const items: MenuItem[] = [
    { title: actions.edit, onChoose: onEdit, ...refusal },
    {
      ...{ title: enabled ? actions.disable : actions.enable, icon: enabled ? 'pause' : 'play' },
      ...{ onChoose: () => toggle.run(!enabled), ...refusal },
    },
  ];
  if (source === 'api') {
    items.push({ title: actions.remove, icon: 'trash', kind: 'danger', onChoose: onRemove });
  } else if (source === 'default' && overridden) {
    items.push({ title: actions.reset, icon: 'refresh', onChoose: onRemove });
  }
  return <Menu label={actions.of(name)} items={items} />;
}
