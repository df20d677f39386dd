/** What can be done to several machines at once. */
import { Button } from '#web/components/Button.tsx';
import { MACHINES } from '#web/text/machines.ts';
import {
  COMMANDS,
  COMMAND_ICONS,
  mayBeTold,
  type Command,
  type Commanded,
} from './machine-command.ts';

export interface BulkBarProps {
  readonly machines: readonly Commanded[];
  readonly isBusy: boolean;
  readonly onChoose: (command: Command, machines: readonly Commanded[]) => void;
  readonly onClear: () => void;
}

/** Each command counts those that would obey it now, and is told to them alone. */
export function BulkBar({ machines, isBusy, onChoose, onClear }: BulkBarProps) {
  return (
    <div className="toolbar bulk" role="group" aria-label={MACHINES.selected(machines.length)}>
      <span className="num">{MACHINES.selected(machines.length)}</span>
      {COMMANDS.map((command) => {
        const those = machines.filter((machine) => mayBeTold(command, machine));
        if (those.length === 0) return null;
        return (
          <Button
            key={command}
            size="small"
            kind={command === 'delete' ? 'danger' : 'plain'}
            icon={COMMAND_ICONS[command]}
            disabled={isBusy}
            onClick={() => onChoose(command, those)}
          >
            {MACHINES.commandsOn(command, those.length)}
          </Button>
        );
      })}
      <Button size="small" onClick={onClear}>
        {MACHINES.clearSelection}
      </Button>
    </div>
  );
}
