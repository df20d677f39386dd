/** What there is to know of one thing: names and values. */
import type { ReactNode } from 'react';

export type Fact = readonly [name: string, value: ReactNode];

export interface FactsProps {
  readonly items: readonly Fact[];
  /** What is read from across a room. */
  readonly isLarge?: boolean;
}

export function Facts({ items, isLarge = false }: FactsProps) {
  return (
    <dl className="facts" data-size={isLarge ? 'large' : undefined}>
      {items.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
