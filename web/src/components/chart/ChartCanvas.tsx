/** uPlot in a component, for TimeChart alone. */
import { useEffect, useEffectEvent, useRef } from 'react';
import Plot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { ChartUnit } from '#web/format/chart-units.ts';
import type { Span } from '#web/format/time-range.ts';
import { readChartColours } from './chart-colours.ts';
import { createChartOptions } from './chart-options.ts';
import type { Values } from './stack-series.ts';

export interface ChartCanvasProps {
  readonly labels: readonly string[];
  readonly times: readonly number[];
  /** As they are drawn: stacked, if so. */
  readonly values: readonly Values[];
  readonly unit: ChartUnit;
  readonly span: Span;
  readonly heightPx: number;
  readonly isStacked: boolean;
  readonly syncKey: string | undefined;
  readonly onZoom: ((span: Span) => void) | undefined;
  readonly onPoint: (at: number | null) => void;
  /** Another name of the colours: it is drawn anew. */
  readonly scheme: string;
}

export function ChartCanvas(props: ChartCanvasProps) {
  const { labels, times, values, unit, span, heightPx, isStacked, syncKey, scheme } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot>(null);
  const shownSpan = useRef(span);
  const zoom = useEffectEvent((chosen: Span) => props.onZoom?.(chosen));
  const point = useEffectEvent((at: number | null) => props.onPoint(at));
  const dataNow = useEffectEvent((): Plot.AlignedData => [[...times], ...values.map(copyOf)]);
  const canZoom = props.onZoom !== undefined;
  const names = labels.join('\n');

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const plan = {
      ...{ labels: names === '' ? [] : names.split('\n'), unit, isStacked, syncKey },
      spanOf: () => shownSpan.current,
      onZoom: canZoom ? (chosen: Span) => zoom(chosen) : undefined,
      onPoint: (at: number | null) => point(at),
      onReady: (ready: Plot) => takeCursor(ready, syncKey),
    };
    const size = { width: element.clientWidth, height: heightPx };
    const options = createChartOptions(plan, readChartColours(element, scheme), size);
    const drawn = new Plot(options, dataNow(), element);
    plot.current = drawn;
    const watcher = new ResizeObserver(() => {
      drawn.setSize({ width: element.clientWidth, height: heightPx });
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, [names, unit, isStacked, syncKey, heightPx, canZoom, scheme]);

  useEffect(() => {
    shownSpan.current = span;
    plot.current?.setData(dataNow());
  }, [times, values, span]);

  return <div ref={box} className="chart-canvas" style={{ height: heightPx }} />;
}

/** One that is drawn later has its cursor where the others have theirs. */
function takeCursor(plot: Plot, syncKey: string | undefined): void {
  if (syncKey === undefined) return;
  const pointed = Plot.sync(syncKey).plots.find(
    (each) => each !== plot && (each.cursor.left ?? -1) >= 0,
  );
  if (pointed === undefined) return;
  const { left = 0 } = pointed.cursor;
  plot.setCursor({ left: plot.valToPos(pointed.posToVal(left, 'x'), 'x'), top: 0 });
}

function copyOf(values: Values): (number | null)[] {
  return [...values];
}
