/** Colours for a canvas, which knows nothing of the page's styles: read from them. */

export interface ChartColours {
  readonly text: string;
  readonly grid: string;
  /** In the order in which series take them. */
  readonly series: readonly string[];
  /** The same, to be laid below a line. */
  readonly fills: readonly string[];
}

const SERIES = 6;

let known: { readonly scheme: string; readonly colours: ChartColours } | undefined;

/** Once for each scheme: every colour that is read has the styles of the page worked out. */
export function readChartColours(within: HTMLElement, scheme: string): ChartColours {
  if (known?.scheme !== scheme) known = { scheme, colours: readAll(within) };
  return known.colours;
}

function readAll(within: HTMLElement): ChartColours {
  const probe = document.createElement('span');
  within.append(probe);
  const read = (token: string): string => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const numbers = Array.from({ length: SERIES }, (_, at) => at + 1);
  const colours: ChartColours = {
    text: read('--text-quiet'),
    grid: read('--line'),
    series: numbers.map((number) => read(`--series-${number}`)),
    fills: numbers.map((number) => read(`--series-${number}-fill`)),
  };
  probe.remove();
  return colours;
}
