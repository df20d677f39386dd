/**
 * The notices, in a corner, read aloud as they come. A dialog takes everything outside itself away
 * from pointer, keyboard and ear, so while one is open they are within it; as a popover they lie
 * over it and are cut off by nothing.
 */
import { useEffect, useRef, type FocusEvent, type RefObject } from 'react';
import { createPortal } from 'react-dom';
import { useStore } from '#web/api/store.ts';
import { TEXT } from '#web/text/en.ts';
import { Button } from './Button.tsx';
import { Icon } from './Icon.tsx';
import { IconButton } from './IconButton.tsx';
import { dismissToast, holdToasts, releaseToasts, toasts, type Toast } from './toast-store.ts';
import { openModals } from './use-modal.ts';

const ICONS = { ok: 'check', error: 'error', info: 'chevron' } as const;
const NONE: readonly Toast[] = [];

export function Toasts() {
  const shown = useStore(toasts);
  const modal = useStore(openModals).at(-1);
  return (
    <>
      <Region shown={modal === undefined ? shown : NONE} />
      {modal !== undefined && createPortal(<Region shown={shown} />, modal)}
    </>
  );
}

/** There before any notice is: what is read aloud is what comes into it. */
function Region({ shown }: { readonly shown: readonly Toast[] }) {
  const region = useRef<HTMLDivElement>(null);
  const before = useRef<EventTarget>(null);
  useEffect(() => region.current?.showPopover(), []);
  useRelease(region, shown.length);
  const onFocus = ({ currentTarget: box, relatedTarget: from }: FocusEvent<HTMLElement>) => {
    holdToasts();
    if (from instanceof Node && !box.contains(from)) before.current = from;
  };
  const dismiss = (id: number) => {
    const hadKeyboard = hasFocus(region);
    dismissToast(id);
    if (hadKeyboard && before.current instanceof HTMLElement) before.current.focus();
  };
  return (
    // It is a place, whose buttons do things: whether somebody is there is all that is looked at.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      ref={region}
      popover="manual"
      className="toasts"
      role="log"
      aria-live="polite"
      aria-label={TEXT.toasts}
      onPointerEnter={holdToasts}
      onPointerLeave={() => !hasFocus(region) && releaseToasts()}
      onFocus={onFocus}
      onBlur={releaseToasts}
    >
      {shown.map((toast) => (
        <Notice key={toast.id} toast={toast} onDismiss={() => dismiss(toast.id)} />
      ))}
    </div>
  );
}

/** What is taken out of the document is left by nobody: browsers tell of no such thing. */
function useRelease(region: RefObject<HTMLElement | null>, count: number): void {
  useEffect(() => {
    if (region.current?.matches(':hover, :focus-within') !== true) releaseToasts();
  }, [region, count]);
  useEffect(() => releaseToasts, []);
}

function hasFocus(region: RefObject<HTMLElement | null>): boolean {
  return region.current?.contains(document.activeElement) ?? false;
}

interface NoticeProps {
  readonly toast: Toast;
  readonly onDismiss: () => void;
}

function Notice({ toast: { kind, text, undo }, onDismiss }: NoticeProps) {
  return (
    <div className="toast" data-kind={kind}>
      <Icon name={ICONS[kind]} />
      <span className="grow">{text}</span>
      {undo !== undefined && (
        <Button
          size="small"
          onClick={() => {
            undo.run();
            onDismiss();
          }}
        >
          {undo.title}
        </Button>
      )}
      <IconButton icon="close" label={TEXT.dismiss} onClick={onDismiss} />
    </div>
  );
}
