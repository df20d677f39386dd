/** What a machine can be told, at the end of its row. */
import { Menu } from '#web/components/Menu.tsx';
import { MACHINES } from '#web/text/machines.ts';
import {
  COMMANDS,
  COMMAND_ICONS,
  mayBeTold,
  type Command,
  type Commanded,
} from './machine-command.ts';

export interface MachineMenuProps {
  readonly machine: Commanded;
  readonly only?: readonly Command[];
  readonly onChoose: (command: Command) => void;
}

/** Nothing while it obeys nothing. */
export function MachineMenu({ machine, only = COMMANDS, onChoose }: MachineMenuProps) {
  const items = only
    .filter((command) => mayBeTold(command, machine))
    .map((command) => ({
      title: MACHINES.commands[command],
      icon: COMMAND_ICONS[command],
      kind: command === 'delete' ? ('danger' as const) : ('plain' as const),
      onChoose: () => onChoose(command),
    }));
  if (items.length === 0) return null;
  return <Menu label={MACHINES.actionsOf(machine.name)} items={items} />;
}
