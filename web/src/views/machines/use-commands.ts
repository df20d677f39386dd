/** Telling machines what to do, and saying how it went. */
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { useToast } from '#web/components/toast-store.ts';
import {
  tellMachines,
  toldToText,
  type Command,
  type CommandOptions,
  type Commanded,
  type Told,
} from './machine-command.ts';

export interface Order {
  readonly command: Command;
  readonly machines: readonly Commanded[];
}

export interface Commands {
  readonly run: (order: Order, options: CommandOptions) => void;
  readonly isBusy: boolean;
}

export function useCommands(onDone?: (told: Told) => void): Commands {
  const toast = useToast();
  const { run, isBusy } = useAction({
    run: ({ order, options }: { readonly order: Order; readonly options: CommandOptions }) =>
      tellMachines(order.command, order.machines, options),
    onDone: (told) => {
      toast({ kind: told.failures.length > 0 ? 'error' : 'ok', text: toldToText(told) });
      onDone?.(told);
    },
    invalidates: [queryKeys.machines],
  });
  return { run: (order, options) => run({ order, options }), isBusy };
}
