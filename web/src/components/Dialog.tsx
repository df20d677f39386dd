/** Something to decide before going on: the browser's own dialog keeps the keyboard inside. */
import { useId, useRef, type ReactNode } from 'react';
import { TEXT } from '#web/text/en.ts';
import { IconButton } from './IconButton.tsx';
import { useModal } from './use-modal.ts';

export interface DialogProps {
  readonly title: string;
  /** By Escape, by the cross, by a click beside it. Render the dialog only while it is open. */
  readonly onClose: () => void;
  /** Buttons; put the one that does it last. */
  readonly actions?: ReactNode;
  readonly size?: 'normal' | 'wide';
  /** Makes it a form, which Enter sends. */
  readonly onSubmit?: () => void;
  readonly children: ReactNode;
}

/** Where there is something to fill in, one begins there; otherwise the browser knows best. */
const FIRST_FIELD = '.dialog-content :is(input, select, textarea):enabled';

export function Dialog(props: DialogProps) {
  const { title, onClose, actions, size = 'normal', onSubmit, children } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useModal(dialog, FIRST_FIELD);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      data-size={size}
      aria-labelledby={id}
      onClose={onClose}
      closedby="any"
    >
      <form
        className="dialog-body"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit?.();
        }}
      >
        <div className="dialog-head">
          <h2 id={id}>{title}</h2>
          <IconButton icon="close" label={TEXT.close} onClick={onClose} />
        </div>
        <div className="dialog-content">{children}</div>
        {actions !== undefined && <div className="dialog-actions">{actions}</div>}
      </form>
    </dialog>
  );
}
