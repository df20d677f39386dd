/** Actions that are not worth a button each: at the end of a row. */
import {
  useEffect,
  useEffectEvent,
  useId,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type RefObject,
} from 'react';
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

/** Between the menu and what opened it, and what is left at the edge. */
const GAP_PX = 4;

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
  const close = (how?: 'quietly') => {
    setOpen(false);
    if (how === undefined) opener.current?.focus();
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
      {isOpen && <Items {...{ id, label, items, opener }} onClose={close} />}
    </div>
  );
}

interface ItemsProps extends Required<MenuProps> {
  readonly id: string;
  readonly opener: RefObject<HTMLElement | null>;
  /** Quietly: the keyboard stays where it is. */
  readonly onClose: (how?: 'quietly') => void;
}

function Items({ id, label, items, opener, onClose }: ItemsProps) {
  const list = useRef<HTMLDivElement>(null);
  usePlace(list, opener, onClose);
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
      popover="manual"
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

/**
 * Above everything else, so that no table that is scrolled cuts it off: below what opened it, or
 * above that where there is more room. When that moves away, as by scrolling, it closes.
 */
function usePlace(
  list: RefObject<HTMLElement | null>,
  opener: RefObject<HTMLElement | null>,
  onClose: ItemsProps['onClose'],
): void {
  const close = useEffectEvent(() => onClose('quietly'));
  useLayoutEffect(() => {
    const { current } = list;
    if (current === null || opener.current === null) return undefined;
    current.showPopover();
    const { top, bottom, right } = opener.current.getBoundingClientRect();
    const { width, height } = current.getBoundingClientRect();
    const fitsBelow = bottom + GAP_PX + height <= innerHeight;
    const atPx = fitsBelow ? bottom + GAP_PX : Math.max(0, top - GAP_PX - height);
    current.style.setProperty('top', `${atPx}px`);
    current.style.setProperty('left', `${Math.max(GAP_PX, right - width)}px`);
    current.querySelector('button')?.focus({ preventScroll: true });
    const onMove = ({ target }: Event) => {
      if (!(target instanceof Node) || target.contains(opener.current)) close();
    };
    addEventListener('scroll', onMove, { capture: true, passive: true });
    addEventListener('resize', onMove);
    return () => {
      removeEventListener('scroll', onMove, { capture: true });
      removeEventListener('resize', onMove);
    };
  }, [list, opener]);
}
