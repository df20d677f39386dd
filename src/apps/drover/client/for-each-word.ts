import type { Invocation } from '#apps/drover/command.ts';
import { reportError } from '#apps/drover/error-report.ts';
import type { DroverError } from '#kernel/errors.ts';
import { toDroverError } from '#kernel/errors.ts';

export interface WordOutcome {
  /** For people. */
  readonly text: string;
  /** For --json. */
  readonly plain: unknown;
}

/** One that fails stops no other; the last failure decides the exit code. */
export async function forEachWord(
  { words, options, terminal, signal }: Invocation,
  work: (word: string) => Promise<WordOutcome>,
): Promise<void> {
  const asJson = options.flag('json');
  const failures: DroverError[] = [];
  for (const word of words) {
    try {
      const { text, plain } = await work(word);
      await terminal.write(`${asJson ? JSON.stringify(plain) : text}\n`);
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      failures.push(toDroverError(thrown));
    }
  }
  const last = failures.pop();
  for (const failure of failures) terminal.note(reportError(failure, { asJson }).text.trimEnd());
  if (last !== undefined) throw last;
}
