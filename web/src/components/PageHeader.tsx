/** The name of the view, which is the title of the window too, and what can be done in it. */
import { useEffect, useRef, type ReactNode } from 'react';
import { useArrival } from '#web/app/use-arrival.ts';
import { TEXT } from '#web/text/en.ts';

export interface PageHeaderProps {
  readonly title: string;
  /** Links to what this is a part of, before the title. */
  readonly trail?: ReactNode;
  /** Beside the title: a status, a count. */
  readonly beside?: ReactNode;
  /** Buttons, at the end. */
  readonly actions?: ReactNode;
}

export function PageHeader({ title, trail, beside, actions }: PageHeaderProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useArrival(heading);
  useEffect(() => {
    document.title = `${title} · ${TEXT.product}`;
  }, [title]);
  return (
    <header className="page-header">
      <div className="page-title">
        {trail !== undefined && <span className="trail">{trail}</span>}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {beside}
      </div>
      {actions !== undefined && <div className="actions">{actions}</div>}
    </header>
  );
}
