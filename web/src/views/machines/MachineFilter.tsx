/** Narrows the list down: by words, and by state. */
import { useMemo } from 'react';
import { useViewSearch } from '#web/app/use-view.ts';
import { FilterField } from '#web/components/FilterField.tsx';
import { MACHINES } from '#web/text/machines.ts';
import { isOfState, type MachineRow } from './machine-rows.ts';
import { STATE_NAMES } from './machine-state.ts';
import { machinesView } from './view.ts';

export interface MachineFilterProps {
  readonly rows: readonly MachineRow[];
  readonly shown: number;
}

const TITLES = [
  ...STATE_NAMES.map((name) => [name, MACHINES.states[name]] as const),
  ['crashed', MACHINES.crashed] as const,
];

export function MachineFilter({ rows, shown }: MachineFilterProps) {
  const [{ q, state }, setSearch] = useViewSearch(machinesView);
  const choices = useMemo(
    () =>
      TITLES.map(([name, title]) => {
        const those = rows.filter((row) => isOfState(row, name));
        return [name, MACHINES.choice(title, those.length)] as const;
      }),
    [rows],
  );
  return (
    <div className="toolbar">
      <FilterField
        label={MACHINES.filter}
        value={q}
        onChange={(text) => setSearch({ q: text }, { replace: true })}
        shown={shown}
        all={rows.length}
      />
      <select
        className="state-choice"
        aria-label={MACHINES.stateFilter}
        value={choices.some(([name]) => name === state) ? state : ''}
        onChange={(event) => setSearch({ state: event.target.value })}
      >
        <option value="">{MACHINES.allStates}</option>
        {choices.map(([name, title]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
    </div>
  );
}
