/** The notices, in a corner, read aloud as they come. */
import { useStore } from '#web/api/store.ts';
import { TEXT } from '#web/text/en.ts';
import { Button } from './Button.tsx';
import { Icon } from './Icon.tsx';
import { IconButton } from './IconButton.tsx';
import { dismissToast, toasts } from './toast-store.ts';

const ICONS = { ok: 'check', error: 'error', info: 'chevron' } as const;

export function Toasts() {
  const shown = useStore(toasts);
  return (
    <div className="toasts" role="log" aria-live="polite" aria-label={TEXT.toasts}>
      {shown.map(({ id, kind, text, undo }) => (
        <div key={id} className="toast" data-kind={kind}>
          <Icon name={ICONS[kind]} />
          <span className="grow">{text}</span>
          {undo !== undefined && (
            <Button
              size="small"
              onClick={() => {
                undo.run();
                dismissToast(id);
              }}
            >
              {undo.title}
            </Button>
          )}
          <IconButton icon="close" label={TEXT.dismiss} onClick={() => dismissToast(id)} />
        </div>
      ))}
    </div>
  );
}
