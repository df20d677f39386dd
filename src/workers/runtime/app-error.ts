/**
 * What is wrong with an app, in a sentence for its owner: the file as the app knows it, the line
 * where one is known, and never a path of the host.
 */

/** One per folder under which the same app may be known, links resolved or not. */
export function describeAppError(thrown: unknown, directories: readonly string[]): string {
  if (!(thrown instanceof Error)) return `it threw ${String(thrown)}`;
  const name = thrown.name === 'Error' ? '' : `${thrown.name}: `;
  const message = `${name}${thrown.message}`;
  const place = placeIn(thrown.stack ?? '', directories);
  return withoutDirectories(place === undefined ? message : `${place}: ${message}`, directories);
}

/** Files of the app as they are called inside it; the folder itself is `.`. */
function withoutDirectories(text: string, directories: readonly string[]): string {
  let relative = text;
  for (const directory of directories) {
    for (const prefix of [`file://${directory}`, directory]) {
      relative = relative.replaceAll(`${prefix}/`, '').replaceAll(prefix, '.');
    }
  }
  return relative;
}

/** The first place that the stack names within the app: `main.ts:3`. */
function placeIn(stack: string, directories: readonly string[]): string | undefined {
  for (const line of stack.split('\n')) {
    const found = directories.flatMap((directory) => {
      const at = line.indexOf(`${directory}/`);
      return at === -1 ? [] : [line.slice(at + directory.length + 1)];
    });
    // A path in the message itself has no line behind it.
    const place = found.map((text) => /^[^\s:()]+:\d+/.exec(text)?.[0]).find(Boolean);
    if (place !== undefined) return place;
  }
  return undefined;
}
