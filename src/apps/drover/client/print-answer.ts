import type { Invocation } from '#apps/drover/command.ts';

/** What the server answered: as it is with --json, else as text for people. */
export async function printAnswer(
  { options, terminal }: Invocation,
  answer: unknown,
  toText: () => string,
): Promise<void> {
  const json = options.flag('json') ? `${JSON.stringify(answer, null, 2)}\n` : undefined;
  const text = json ?? toText();
  if (text !== '') await terminal.write(text);
}
