/** What this machine would obey now, as buttons; what is asked about stands in the address. */
import { useViewSearch } from '#web/app/use-view.ts';
import { Button } from '#web/components/Button.tsx';
import { MACHINES } from '#web/text/machines.ts';
import { CommandDialog } from './CommandDialog.tsx';
import { MachineMenu } from './MachineMenu.tsx';
import {
  COMMAND_ICONS,
  GENTLY,
  asksFirst,
  mayBeTold,
  parseCommand,
  type Command,
  type Commanded,
} from './machine-command.ts';
import { useCommands } from './use-commands.ts';
import { machineView } from './view.ts';

/** The way up is what one most likely came for. */
const BUTTONS: readonly Command[] = ['boot', 'resume', 'pause', 'reboot', 'shutdown'];
const PRIMARY: ReadonlySet<Command> = new Set(['boot', 'resume']);
const IN_MENU: readonly Command[] = ['delete'];

export interface MachineActionsProps {
  readonly machine: Commanded;
  readonly onDeleted: () => void;
}

export function MachineActions({ machine, onDeleted }: MachineActionsProps) {
  const [{ ask }, setSearch] = useViewSearch(machineView);
  const { run, isBusy } = useCommands(({ command, failures }) => {
    if (command === 'delete' && failures.length === 0) onDeleted();
    else setSearch({ ask: '' }, { replace: true });
  });
  const start = (command: Command) => {
    if (asksFirst(command)) setSearch({ ask: command }, { replace: true });
    else run({ command, machines: [machine] }, GENTLY);
  };
  const asked = parseCommand(ask);
  return (
    <>
      {BUTTONS.filter((command) => mayBeTold(command, machine)).map((command) => (
        <Button
          key={command}
          kind={PRIMARY.has(command) ? 'primary' : 'plain'}
          icon={COMMAND_ICONS[command]}
          isBusy={isBusy}
          onClick={() => start(command)}
        >
          {MACHINES.commands[command]}
        </Button>
      ))}
      <MachineMenu machine={machine} only={IN_MENU} onChoose={start} />
      {asked !== undefined && asksFirst(asked) && mayBeTold(asked, machine) && (
        <CommandDialog
          order={{ command: asked, machines: [machine] }}
          isBusy={isBusy}
          onConfirm={run}
          onClose={() => setSearch({ ask: '' }, { replace: true })}
        />
      )}
    </>
  );
}
