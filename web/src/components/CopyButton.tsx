/** Puts a text on the clipboard: an id, a token that is shown once. */
import { TEXT } from '#web/text/en.ts';
import { IconButton } from './IconButton.tsx';
import { useToast } from './toast-store.ts';

export function CopyButton({ text, label = TEXT.copy.label }: CopyButtonProps) {
  const toast = useToast();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast({ kind: 'ok', text: TEXT.copy.done });
    } catch (thrown) {
      toast({ kind: 'error', text: thrown instanceof Error ? thrown.message : String(thrown) });
    }
  };
  return <IconButton icon="copy" label={label} onClick={() => void copy()} />;
}

export interface CopyButtonProps {
  readonly text: string;
  readonly label?: string;
}
