/** Narrows a table down while one types; says how many rows are left. */
import { TEXT } from '#web/text/en.ts';
import { Icon } from './Icon.tsx';
import { IconButton } from './IconButton.tsx';

export interface FilterFieldProps {
  /** What is filtered: read aloud. */
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly shown: number;
  readonly all: number;
}

export function FilterField({ label, value, onChange, shown, all }: FilterFieldProps) {
  return (
    <div className="filter">
      <Icon name="search" />
      <input
        type="text"
        role="searchbox"
        aria-label={label}
        placeholder={TEXT.table.filter}
        value={value}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && onChange('')}
      />
      <span className="quiet num" role="status">
        {TEXT.table.shown(shown, all)}
      </span>
      {value !== '' && (
        <IconButton icon="close" label={TEXT.table.clear} onClick={() => onChange('')} />
      )}
    </div>
  );
}
