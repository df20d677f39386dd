/** While there is nothing to show yet. What comes at once is not announced by a flash of this. */
import { TEXT } from '#web/text/en.ts';

export function Loading({ label = TEXT.loading }: { readonly label?: string }) {
  return (
    <div className="loading" role="status">
      <span>{label}</span>
    </div>
  );
}
