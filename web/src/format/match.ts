/** How well an entry of the command palette fits what was typed. */

/** Larger is better; undefined does not fit. Every word has to be found somewhere. */
export function matchScore(typed: string, texts: readonly string[]): number | undefined {
  const words = typed
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  let total = 0;
  for (const word of words) {
    const scores = texts.map((text, at) => scoreOf(word, text.toLowerCase()) / (at + 1));
    const best = Math.max(0, ...scores);
    if (best === 0) return undefined;
    total += best;
  }
  return total;
}

function scoreOf(word: string, text: string): number {
  if (text === word) return 8;
  if (text.startsWith(word)) return 6;
  const at = text.indexOf(word);
  if (at > 0) return /[\s._:/@-]/.test(text[at - 1] ?? '') ? 5 : 3;
  return isSubsequence(word, text) ? 1 : 0;
}

/** `nwm` fits `new machine`. */
function isSubsequence(word: string, text: string): boolean {
  let at = 0;
  for (const letter of word) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
