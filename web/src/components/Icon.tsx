/** A drawing beside words. Alone it says nothing: then what is around it has a name. */
import { ICON_SHAPES, type IconName } from './icon-shapes.ts';

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={ICON_SHAPES[name]} />
    </svg>
  );
}
