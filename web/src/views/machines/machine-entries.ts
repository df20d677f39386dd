/** Every machine, and what it would obey now, for the command palette. */
import { queryKeys } from '#web/api/query-keys.ts';
import type { SignedIn } from '#web/api/session.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { runDeed } from '#web/app/run-deed.ts';
import { MACHINES } from '#web/text/machines.ts';
import {
  COMMANDS,
  COMMAND_ICONS,
  GENTLY,
  asksFirst,
  mayBeTold,
  tellMachines,
  toldToText,
  type Command,
  type Commanded,
} from './machine-command.ts';
import { listMachines } from './machine-queries.ts';
import { machineName } from './machine-rows.ts';
import { standingOf } from './machine-state.ts';
import { machineView, machinesView } from './view.ts';

/** So many pages are read: the newest machines, where there are very many. */
const MOST_PAGES = 5;

export async function machineEntries({
  may_change: mayChange,
}: SignedIn): Promise<readonly PaletteEntry[]> {
  const machines = await readMachines();
  const create: PaletteEntry = {
    id: 'machine:create',
    title: MACHINES.palette.create,
    icon: 'plus',
    target: { view: machinesView, search: { create: '1' } },
  };
  return [
    ...(mayChange ? [create] : []),
    ...machines.map(({ entry }) => entry),
    ...machines.flatMap(({ machine, hint }) => [
      consoleEntry(machine, hint),
      ...(mayChange ? commandEntries(machine, hint) : []),
    ]),
  ];
}

interface Listed {
  readonly machine: Commanded;
  readonly hint: string;
  readonly entry: PaletteEntry;
}

async function readMachines(): Promise<readonly Listed[]> {
  const listed: Listed[] = [];
  let token = '';
  for (let page = 0; page < MOST_PAGES; page += 1) {
    // Each page says where the next one begins.
    // eslint-disable-next-line no-await-in-loop
    const { vms, nextPageToken } = await listMachines(token);
    for (const vm of vms) {
      const name = machineName(vm.vmId, vm.metadata);
      const machine: Commanded = { id: vm.vmId, name, allowed: vm.allowedCommands };
      const hint = standingOf(vm).text;
      listed.push({
        ...{ machine, hint },
        entry: {
          id: `machine:${vm.vmId}`,
          title: name,
          hint,
          keywords: [vm.vmId, vm.customerId, MACHINES.title],
          icon: 'machine',
          target: { view: machineView, params: { id: vm.vmId } },
        },
      });
    }
    token = nextPageToken;
    if (token === '') break;
  }
  return listed;
}

function consoleEntry({ id, name }: Commanded, hint: string): PaletteEntry {
  return {
    id: `machine:${id}:console`,
    title: MACHINES.palette.console(name),
    hint,
    icon: 'machine',
    target: { view: machineView, params: { id }, search: { tab: 'console' } },
  };
}

/** What asks first does so on the machine's own page. */
function commandEntries(machine: Commanded, hint: string): readonly PaletteEntry[] {
  return COMMANDS.filter((command) => mayBeTold(command, machine)).map((command) => {
    const facts = {
      id: `machine:${machine.id}:${command}`,
      title: MACHINES.palette.command(command, machine.name),
      hint,
      icon: COMMAND_ICONS[command],
    };
    const { id } = machine;
    return asksFirst(command)
      ? { ...facts, target: { view: machineView, params: { id }, search: { ask: command } } }
      : { ...facts, run: () => void tell(command, machine) };
  });
}

async function tell(command: Command, machine: Commanded): Promise<void> {
  await runDeed({
    run: async () => {
      const told = await tellMachines(command, [machine], GENTLY);
      return { kind: told.failures.length > 0 ? 'error' : 'ok', text: toldToText(told) };
    },
    invalidates: [queryKeys.machines],
  });
}
