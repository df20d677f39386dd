/** What can be chosen from, of the words for it. */
import type { Choice } from '#web/components/SelectField.tsx';

export function choicesOf<Value extends string>(
  titles: Readonly<Record<Value, string>>,
): readonly Choice<Value>[] {
  const values = Object.keys(titles) as Value[];
  return values.map((value) => ({ value, title: titles[value] }));
}
