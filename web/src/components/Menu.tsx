/** Actions that are not worth a button each: at the end of a row. */
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { TEXT } from '#web/text/en.ts';
import { Icon } from './Icon.tsx';
import type { IconName } from './icon-shapes.ts';

export interface MenuItem {
  readonly title: string;
  readonly icon?: IconName;
  readonly kind?: 'plain' | 'danger';
  readonly disabled?: boolean;
  /** Why it is disabled. */
  readonly hint?: string;
  readonly onChoose: () => void;
}

export interface MenuProps {
  /** Whose actions they are: `Actions of web-1`. */
  readonly label?: string;
  readonly items: readonly MenuItem[];
}

export function Menu({ label = TEXT.menu.label, items }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const id = useId();
  useEffect(() => {
    if (!isOpen) return undefined;
    const onPress = (event: PointerEvent) => {
      if (event.target instanceof Node && box.current?.contains(event.target)) return;
      setOpen(false);
    };
    document.addEventListener('pointerdown', onPress);
    return () => document.removeEventListener('pointerdown', onPress);
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    opener.current?.focus();
  };
  return (
    <div className="menu" ref={box}>
      <button
        ref={opener}
        type="button"
        className="icon-button"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="more" />
      </button>
      {isOpen && <Items id={id} label={label} items={items} onClose={close} />}
    </div>
  );
}

interface ItemsProps extends Required<MenuProps> {
  readonly id: string;
  readonly onClose: () => void;
}

function Items({ id, label, items, onClose }: ItemsProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector('button')?.focus();
  }, []);
  const onKey = (event: KeyboardEvent) => {
    const buttons = [...(list.current?.querySelectorAll('button') ?? [])];
    const at = buttons.findIndex((button) => button === document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      buttons[(at + step + buttons.length) % buttons.length]?.focus();
    } else if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault();
      onClose();
    }
  };
  return (
    <div
      id={id}
      ref={list}
      role="menu"
      tabIndex={-1}
      aria-label={label}
      className="menu-items"
      onKeyDown={onKey}
    >
      {items.map((item) => (
        <button
          key={item.title}
          type="button"
          role="menuitem"
          data-kind={item.kind}
          aria-disabled={item.disabled}
          title={item.hint}
          onClick={() => {
            if (item.disabled === true) return;
            onClose();
            item.onChoose();
          }}
        >
          {item.icon !== undefined && <Icon name={item.icon} />}
          {item.title}
        </button>
      ))}
    </div>
  );
}
