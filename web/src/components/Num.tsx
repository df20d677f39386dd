/** A number with its unit set quieter. Digits are as wide as each other, so columns line up. */
import type { Quantity } from '#web/format/numbers.ts';

export function Num({ of: { value, unit } }: { readonly of: Quantity }) {
  return (
    <span className="num">
      {value}
      {unit !== '' && <span className="unit">{unit === '%' ? unit : ` ${unit}`}</span>}
    </span>
  );
}
