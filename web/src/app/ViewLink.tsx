/** A link to a view, which opens in a new tab as links do. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { sparseSearch, type SearchTexts, type View } from './view.ts';

export interface ViewLinkProps<Search extends SearchTexts> {
  readonly to: View<Search>;
  readonly params?: Readonly<Record<string, string>>;
  readonly search?: Partial<Search>;
  readonly className?: string;
  /** Said instead of the content by screen readers. */
  readonly label?: string;
  /** Below this address something else is current. */
  readonly isExact?: boolean;
  readonly children: ReactNode;
}

export function ViewLink<Search extends SearchTexts>(props: ViewLinkProps<Search>) {
  const {
    to,
    params,
    search = {},
    className = 'link',
    label,
    isExact = to.path === '/',
    children,
  } = props;
  return (
    <Link
      to={to.path}
      search={sparseSearch(to, search)}
      className={className}
      aria-label={label}
      activeOptions={{ exact: isExact, includeSearch: false }}
      {...(params !== undefined && { params })}
    >
      {children}
    </Link>
  );
}
