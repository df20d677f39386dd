/**
 * Writes the live table in the two text formats that Prometheus reads. Between ticks the text does
 * not change, so it is made once for all who ask; what does not change between ticks either (name,
 * labels, help) is made once for as long as the set of series stands still.
 */
import type { LiveFamily, LiveSeries, SampleTable } from './sample-table.ts';
import { powerOfScale, type MetricKind } from './metric-family.ts';

export type ExpositionFormat = 'text' | 'openmetrics';

interface Block {
  readonly header: string;
  /** By which samples of the family are divided. */
  readonly power: number;
  readonly prefixes: readonly string[];
  readonly series: readonly LiveSeries[];
  /** What was written last, and of which values: most stand still from one tick to the next. */
  readonly lines: string[];
  readonly values: Float64Array;
  text: string;
}

export class Exposition {
  readonly #table: SampleTable;
  readonly #format: ExpositionFormat;
  #membership = -1;
  #tick = -1;
  #blocks: readonly Block[] = [];
  #text = '';

  constructor(table: SampleTable, format: ExpositionFormat) {
    this.#table = table;
    this.#format = format;
  }

  /** Without the `# EOF` of OpenMetrics: more may follow. */
  render(): string {
    const { membership, tick } = this.#table;
    if (membership !== this.#membership) {
      this.#blocks = this.#layOut();
      this.#membership = membership;
    } else if (tick === this.#tick) {
      return this.#text;
    }
    this.#tick = tick;
    this.#text = this.#write();
    return this.#text;
  }

  #layOut(): readonly Block[] {
    const blocks = [];
    for (const live of this.#table.families()) {
      if (live.members.size > 0) blocks.push({ name: live.family.name, ...this.#block(live) });
    }
    return blocks.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  #block(live: LiveFamily): Block {
    const { family } = live;
    const series = [...live.members.values()];
    const head = this.#format === 'text' ? textHead(family) : openMetricsHead(family);
    return {
      header: `# HELP ${head.name} ${head.help}\n# TYPE ${head.name} ${head.type}\n`,
      power: powerOfScale(family.scale),
      prefixes: series.map(({ key }) => `${key} `),
      series,
      lines: series.map(() => ''),
      values: new Float64Array(series.length).fill(NaN),
      text: '',
    };
  }

  #write(): string {
    let text = '';
    for (const block of this.#blocks) {
      if (rewriteLines(block)) {
        const body = block.lines.join('');
        block.text = body === '' ? '' : block.header + body;
      }
      text += block.text;
    }
    return text;
  }
}

/** Whether any of them had to be. */
function rewriteLines({ series, values, lines, prefixes, power }: Block): boolean {
  let hasChanged = false;
  for (let at = 0; at < series.length; at += 1) {
    const value = series[at]?.value ?? NaN;
    const before = values[at] ?? NaN;
    if (value === before || (Number.isNaN(value) && Number.isNaN(before))) continue;
    values[at] = value;
    const shown = power === 1 ? value : value / power;
    lines[at] = Number.isNaN(value) ? '' : `${prefixes[at]}${shown}\n`;
    hasChanged = true;
  }
  return hasChanged;
}

interface Head {
  readonly name: string;
  readonly help: string;
  readonly type: string;
}

interface Described {
  readonly name: string;
  readonly help: string;
  readonly kind: MetricKind;
}

function textHead({ name, help, kind }: Described): Head {
  const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return { name, help: escaped, type: kind };
}

/** There a counter's samples end in `_total` and its family does not; one without is unknown. */
function openMetricsHead({ name, help, kind }: Described): Head {
  const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
  if (kind === 'counter' && name.endsWith('_total')) {
    return { name: name.slice(0, -'_total'.length), help: escaped, type: 'counter' };
  }
  return { name, help: escaped, type: kind === 'gauge' ? 'gauge' : 'unknown' };
}
