/** Ctrl-K: every view, everything that views name, and every action, by a few letters. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { queryKeys } from '#web/api/query-keys.ts';
import type { SignedIn } from '#web/api/session.ts';
import { useStore } from '#web/api/store.ts';
import { Icon } from '#web/components/Icon.tsx';
import { useModal } from '#web/components/use-modal.ts';
import { TEXT } from '#web/text/en.ts';
import { loadEntries, ownEntries, rankEntries } from './palette-entries.ts';
import type { PaletteEntry } from './palette-entry.ts';
import { paletteIsOpen } from './palette-state.ts';
import { useGo } from './use-view.ts';

export function Palette({ session }: { readonly session: SignedIn }) {
  const isOpen = useStore(paletteIsOpen);
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      paletteIsOpen.set(!paletteIsOpen.value);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  return isOpen ? <OpenPalette session={session} /> : null;
}

function close(): void {
  paletteIsOpen.set(false);
}

function OpenPalette({ session }: { readonly session: SignedIn }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const listId = useId();
  const go = useGo();
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState(0);
  const loaded = useQuery({
    queryKey: queryKeys.palette,
    queryFn: () => loadEntries(session),
    staleTime: 5000,
  });
  const all = [...ownEntries(session), ...(loaded.data?.entries ?? [])];
  const entries = rankEntries(all, typed);
  const at = Math.min(chosen, entries.length - 1);
  useModal(dialog);

  const take = (entry: PaletteEntry | undefined) => {
    if (entry === undefined) return;
    close();
    if (entry.target === undefined) entry.run();
    else go(entry.target);
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setChosen((at + step + entries.length) % Math.max(1, entries.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      take(entries[at]);
    }
  };
  return (
    <dialog
      className="palette"
      ref={dialog}
      aria-label={TEXT.palette.title}
      onClose={close}
      closedby="any"
    >
      <div className="palette-field">
        <Icon name="search" />
        <input
          role="combobox"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={entries.length === 0 ? undefined : `${listId}-${at}`}
          aria-label={TEXT.palette.open}
          placeholder={TEXT.palette.placeholder}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            setChosen(0);
          }}
          onKeyDown={onKey}
        />
      </div>
      <Entries id={listId} entries={entries} chosen={at} onTake={take} />
      {entries.length === 0 && <p className="palette-note">{TEXT.palette.empty}</p>}
      {loaded.data?.isPartial === true && <p className="palette-note">{TEXT.palette.failed}</p>}
    </dialog>
  );
}

interface EntriesProps {
  readonly id: string;
  readonly entries: readonly PaletteEntry[];
  readonly chosen: number;
  readonly onTake: (entry: PaletteEntry) => void;
}

/** The keyboard stays in the field, which names the chosen one. */
function Entries({ id, entries, chosen, onTake }: EntriesProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[chosen]?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  return (
    <div id={id} ref={list} role="listbox" aria-label={TEXT.palette.results}>
      {entries.map((entry, at) => (
        // eslint-disable-next-line jsx-a11y/click-events-have-key-events -- the field has the keys
        <div
          key={entry.id}
          id={`${id}-${at}`}
          role="option"
          tabIndex={-1}
          aria-selected={at === chosen}
          className="palette-entry"
          onClick={() => onTake(entry)}
        >
          <Icon name={entry.icon ?? 'chevron'} />
          <span className="grow">{entry.title}</span>
          {entry.hint !== undefined && <span className="quiet">{entry.hint}</span>}
        </div>
      ))}
    </div>
  );
}
