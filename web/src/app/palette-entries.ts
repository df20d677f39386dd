/** All that the palette offers: the views, what each view adds, and what the shell can do. */
import { signOut, type SignedIn } from '#web/api/session.ts';
import { matchScore } from '#web/format/match.ts';
import { TEXT } from '#web/text/en.ts';
import type { PaletteEntry } from './palette-entry.ts';
import { THEMES, setTheme } from './theme.ts';
import { viewsFor } from './views.ts';

const MOST_SHOWN = 50;

export interface LoadedEntries {
  readonly entries: readonly PaletteEntry[];
  /** Some view could not say what it has. */
  readonly isPartial: boolean;
}

/** There at once; what the views add comes when it is known. */
export function ownEntries(session: SignedIn): readonly PaletteEntry[] {
  const plain = viewsFor(session).filter(({ path }) => !path.includes('$'));
  const views = plain.map((view): PaletteEntry => ({
    id: `view:${view.path}`,
    title: view.title,
    hint: TEXT.palette.goTo,
    target: { view },
    ...(view.icon !== undefined && { icon: view.icon }),
  }));
  const themes = THEMES.map((name): PaletteEntry => ({
    id: `theme:${name}`,
    title: TEXT.theme.switchTo(TEXT.theme[name]),
    keywords: ['theme', name],
    icon: 'contrast',
    run: () => setTheme(name),
  }));
  const leave: PaletteEntry = {
    id: 'session:leave',
    title: TEXT.session.signOut,
    icon: 'leave',
    run: () => void signOut().catch(() => undefined),
  };
  return [...views, ...themes, leave];
}

export async function loadEntries(session: SignedIn): Promise<LoadedEntries> {
  const asked = viewsFor(session).flatMap(({ palette }) =>
    palette === undefined ? [] : [palette(session)],
  );
  const answers = await Promise.allSettled(asked);
  return {
    entries: answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])),
    isPartial: answers.some(({ status }) => status === 'rejected'),
  };
}

/** The best first; in the order given when nothing was typed. */
export function rankEntries(
  entries: readonly PaletteEntry[],
  typed: string,
): readonly PaletteEntry[] {
  const scored = entries.flatMap((entry) => {
    const texts = [entry.title, entry.hint ?? '', ...(entry.keywords ?? [])];
    const score = matchScore(typed, texts);
    return score === undefined ? [] : [{ entry, score }];
  });
  scored.sort((a, b) => b.score - a.score);
  return scored.slice(0, MOST_SHOWN).map(({ entry }) => entry);
}
