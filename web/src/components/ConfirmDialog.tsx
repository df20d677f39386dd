/** Asks before something is destroyed, and says what it takes along. */
import { useState, type ReactNode } from 'react';
import { TEXT } from '#web/text/en.ts';
import { Button } from './Button.tsx';
import { Dialog } from './Dialog.tsx';
import { TextField } from './TextField.tsx';

export interface ConfirmDialogProps {
  readonly title: string;
  /** What happens, and what cannot be undone. */
  readonly children: ReactNode;
  /** What the button says: the deed, not "OK". */
  readonly action: string;
  readonly kind?: 'danger' | 'primary';
  /** Has to be typed first, where much is lost. */
  readonly typeToConfirm?: string;
  readonly isBusy?: boolean;
  readonly error?: string | undefined;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, children, action, kind = 'danger', typeToConfirm, isBusy = false } = props;
  const { error, onConfirm, onClose } = props;
  const [typed, setTyped] = useState('');
  const isSure = typeToConfirm === undefined || typed.trim() === typeToConfirm;
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={() => isSure && !isBusy && onConfirm()}
      actions={
        <>
          <Button onClick={onClose}>{TEXT.cancel}</Button>
          <Button kind={kind} type="submit" isBusy={isBusy} disabled={!isSure}>
            {action}
          </Button>
        </>
      }
    >
      <div>{children}</div>
      {typeToConfirm !== undefined && (
        <TextField label={TEXT.confirm.type(typeToConfirm)} value={typed} onChange={setTyped} />
      )}
      {error !== undefined && (
        <p className="tone-error" role="alert">
          {error}
        </p>
      )}
    </Dialog>
  );
}
