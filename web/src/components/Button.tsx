/** Something to press. `danger` destroys something, and asks first: see ConfirmDialog. */
import type { ReactNode } from 'react';
import { Icon } from './Icon.tsx';
import type { IconName } from './icon-shapes.ts';

export interface ButtonProps {
  readonly kind?: 'plain' | 'primary' | 'danger';
  readonly size?: 'normal' | 'small';
  readonly type?: 'button' | 'submit';
  readonly icon?: IconName;
  /** It works on it: it stays as wide as it is and takes no more presses. */
  readonly isBusy?: boolean;
  readonly disabled?: boolean;
  /** Why it is disabled, or what it does. */
  readonly title?: string | undefined;
  readonly onClick?: () => void;
  readonly children: ReactNode;
}

export function Button(props: ButtonProps) {
  const { kind = 'plain', size = 'normal', type = 'button', isBusy = false } = props;
  const { icon, disabled = false, title, onClick, children } = props;
  return (
    <button
      // eslint-disable-next-line react/button-has-type -- it is one of two
      type={type}
      className="button"
      data-kind={kind}
      data-size={size}
      aria-busy={isBusy}
      disabled={disabled || isBusy}
      title={title}
      onClick={onClick}
    >
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}
