/** A button that is an icon alone; its name is read aloud, and shown when pointed at. */
import { Icon } from './Icon.tsx';
import type { IconName } from './icon-shapes.ts';

export interface IconButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly disabled?: boolean;
  /** It opens something; whether that is open. */
  readonly expanded?: boolean;
  readonly onClick: () => void;
}

export function IconButton({ icon, label, disabled = false, expanded, onClick }: IconButtonProps) {
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      aria-expanded={expanded}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
