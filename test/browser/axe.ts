/** What axe-core finds wrong with what a page shows, in a line for each. */
import axe from 'axe-core';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

/** `colours`: only what another colour scheme changes. */
export type AxeScope = 'everything' | 'colours';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const RUN_ONLY = {
  everything: { type: 'tag', values: TAGS },
  colours: { type: 'rule', values: ['color-contrast'] },
} as const;

export async function violationsIn(page: Page, scope: AxeScope): Promise<readonly string[]> {
  // Through the debugger: the page's own policy lets no such script in.
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe.source);
  const options = JSON.stringify({ runOnly: RUN_ONLY[scope], resultTypes: ['violations'] });
  const { violations } = await page.evaluate<AxeResults>(`axe.run(document, ${options})`);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => {
      const why = failureSummary.split('\n').slice(1).join(' ').trim();
      return `${id}: ${html.slice(0, 160)} ${why.slice(0, 240)}`;
    }),
  );
}
