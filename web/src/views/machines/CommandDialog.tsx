/** Asks before machines are interrupted or destroyed, and how it shall be done. */
import { useState } from 'react';
import { CheckField } from '#web/components/CheckField.tsx';
import { ConfirmDialog } from '#web/components/ConfirmDialog.tsx';
import { NumberField } from '#web/components/NumberField.tsx';
import { MACHINES } from '#web/text/machines.ts';
import { GENTLY, needsForce, type CommandOptions, type Commanded } from './machine-command.ts';
import type { Order } from './use-commands.ts';

const { ask } = MACHINES;
const MOST_NAMES = 8;
const MOST_SECONDS = 3600;

export interface CommandDialogProps {
  readonly order: Order;
  readonly isBusy: boolean;
  readonly onConfirm: (order: Order, options: CommandOptions) => void;
  readonly onClose: () => void;
}

export function CommandDialog(props: CommandDialogProps) {
  return props.order.command === 'delete' ? <DeleteDialog {...props} /> : <StopDialog {...props} />;
}

function StopDialog({ order, isBusy, onConfirm, onClose }: CommandDialogProps) {
  const { command, machines } = order;
  const [force, setForce] = useState(false);
  const [seconds, setSeconds] = useState(String(GENTLY.timeoutSeconds));
  const isShutdown = command === 'shutdown';
  const timeoutSeconds = /^\d{1,4}$/.test(seconds) ? Number(seconds) : 0;
  const isRight = timeoutSeconds >= 1 && timeoutSeconds <= MOST_SECONDS;
  return (
    <ConfirmDialog
      title={ask[isShutdown ? 'shutdown' : 'reboot'](nameOf(machines))}
      action={MACHINES.commands[command]}
      kind={force ? 'danger' : 'primary'}
      isBusy={isBusy}
      onConfirm={() => (isRight || force) && onConfirm(order, { force, timeoutSeconds })}
      onClose={onClose}
    >
      <div className="dialog-content">
        <p>{isShutdown ? ask.shutdownText : ask.rebootText}</p>
        <Names machines={machines} />
        {isShutdown && (
          <NumberField
            label={ask.timeout}
            unit="s"
            min={1}
            max={MOST_SECONDS}
            value={seconds}
            disabled={force}
            error={isRight || force ? undefined : ask.timeoutError}
            onChange={setSeconds}
          />
        )}
        <CheckField label={ask.force} hint={ask.forceHint} checked={force} onChange={setForce} />
      </div>
    </ConfirmDialog>
  );
}

/** Of several, what is on goes along only where somebody said so. */
function DeleteDialog({ order, isBusy, onConfirm, onClose }: CommandDialogProps) {
  const { command, machines } = order;
  const live = machines.filter((machine) => needsForce(command, machine));
  const areAllLive = live.length === machines.length;
  const [force, setForce] = useState(areAllLive);
  const those = force ? machines : machines.filter((machine) => !needsForce(command, machine));
  const [only] = machines.length === 1 ? machines : [];
  // Much is lost at once, or what is at work.
  const word = only === undefined ? String(those.length) : force ? only.id : undefined;
  return (
    <ConfirmDialog
      title={ask.delete(nameOf(machines))}
      action={
        only === undefined ? MACHINES.commandsOn(command, those.length) : MACHINES.commands.delete
      }
      isBusy={isBusy}
      {...(word !== undefined && { typeToConfirm: word })}
      onConfirm={() => onConfirm({ command, machines: those }, { ...GENTLY, force })}
      onClose={onClose}
    >
      <div className="dialog-content">
        <p>{ask.deleteText}</p>
        <Names machines={machines} />
        {areAllLive && <p>{ask.liveText}</p>}
        {live.length > 0 && !areAllLive && (
          <CheckField
            label={ask.alsoLive(live.length)}
            hint={ask.forceHint}
            checked={force}
            onChange={setForce}
          />
        )}
      </div>
    </ConfirmDialog>
  );
}

function nameOf(machines: readonly Commanded[]): string {
  const [first] = machines;
  return machines.length === 1 && first !== undefined
    ? first.name
    : MACHINES.count(machines.length);
}

function Names({ machines }: { readonly machines: readonly Commanded[] }) {
  if (machines.length === 1) return null;
  const names = machines.slice(0, MOST_NAMES).map(({ name }) => name);
  return <p className="quiet">{ask.list(names.join(', '), machines.length - names.length)}</p>;
}
