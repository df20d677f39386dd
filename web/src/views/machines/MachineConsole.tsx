/** What the guest writes on its serial console, as it comes. The API has no way to type there. */
import { memo, useEffect, useRef, useState, type RefObject } from 'react';
import { Machines, type ConsoleResponse } from '#gen/drover/v1/machines_pb.js';
import type { StreamState } from '#web/api/follow-stream.ts';
import { streamRpc } from '#web/api/rpc.ts';
import { useLiveStream } from '#web/api/use-live-stream.ts';
import { Button } from '#web/components/Button.tsx';
import { IconButton } from '#web/components/IconButton.tsx';
import { Status } from '#web/components/Status.tsx';
import { saveFile } from '#web/components/save-file.ts';
import { MACHINES } from '#web/text/machines.ts';
import { TerminalScreen, runsOf, type TerminalLine, type TerminalRun } from './terminal-screen.ts';

const { console: words } = MACHINES;
/** Of what was written before. */
const FIRST_BYTES = 256 * 1024;
/** So near to the end is at the end. */
const NEAR_PX = 24;

export interface MachineConsoleProps {
  readonly id: string;
  readonly name: string;
}

export function MachineConsole({ id, name }: MachineConsoleProps) {
  const { screen, state } = useConsole(id);
  const box = useRef<HTMLDivElement>(null);
  const { isAtEnd, goToEnd } = useEnd(box, screen);
  return (
    <>
      <div className="terminal-head">
        <ConsoleState state={state} />
        <span className="quiet grow">
          {state.kind === 'refused' ? state.error.message : words.readOnly}
        </span>
        {!isAtEnd && (
          <Button size="small" icon="down" onClick={goToEnd}>
            {words.toEnd}
          </Button>
        )}
        <IconButton
          icon="download"
          label={words.download}
          onClick={() => saveFile(`${name}-console.txt`, 'text/plain', screen.text())}
        />
      </div>
      <div
        ref={box}
        className="terminal"
        role="region"
        aria-label={words.title(name)}
        // It is scrolled by the keyboard too.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
      >
        {screen.lines.length === 0 && <p className="quiet">{words.empty}</p>}
        {screen.lines.map((line) => (
          <Line key={line.id} line={line} version={line.version} />
        ))}
      </div>
    </>
  );
}

function ConsoleState({ state }: { readonly state: StreamState }) {
  switch (state.kind) {
    case 'following':
      return <Status kind="ok">{words.following}</Status>;
    case 'waiting':
      return <Status kind="busy">{words.waiting}</Status>;
    case 'refused':
      return <Status kind="idle">{words.refused}</Status>;
  }
}

/** However much comes, it is drawn once for each picture of the display. */
function useConsole(id: string) {
  const [screen] = useState(() => new TerminalScreen());
  const [, setDrawn] = useState(0);
  const next = useRef<bigint>(undefined);
  const frame = useRef(0);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);
  const state = useLiveStream<ConsoleResponse>({
    name: id,
    open: (signal) => {
      const offset = next.current ?? BigInt(-FIRST_BYTES);
      return streamRpc(Machines.method.console, { vmId: id, offset, follow: true }, signal);
    },
    onMessage: ({ data, nextOffset, truncated }) => {
      // Only where it goes on: the first question asks for no more than the end of it.
      if (truncated && next.current !== undefined) screen.note(words.gap);
      next.current = nextOffset;
      screen.write(data);
      frame.current ||= requestAnimationFrame(() => {
        frame.current = 0;
        setDrawn((count) => count + 1);
      });
    },
  });
  return { screen, state };
}

/** Stays at the end while one is there, and where one is otherwise. */
function useEnd(box: RefObject<HTMLDivElement | null>, screen: TerminalScreen) {
  const [isAtEnd, setAtEnd] = useState(true);
  const goToEnd = () => box.current?.scrollTo({ top: box.current.scrollHeight });
  const last = screen.lines.at(-1);
  useEffect(() => {
    if (isAtEnd) goToEnd();
  });
  useEffect(() => {
    const { current } = box;
    const look = () => {
      if (current === null) return;
      const { scrollHeight, scrollTop, clientHeight } = current;
      setAtEnd(scrollHeight - scrollTop - clientHeight < NEAR_PX);
    };
    current?.addEventListener('scroll', look, { passive: true });
    return () => current?.removeEventListener('scroll', look);
  }, [box]);
  return { isAtEnd: isAtEnd || last === undefined, goToEnd };
}

interface LineProps {
  readonly line: TerminalLine;
  /** Tells one state of the line from the next. */
  readonly version: number;
}

const Line = memo(function Line({ line }: LineProps) {
  return (
    <div className="terminal-line">
      {runsOf(line).map((run, at) => (
        // eslint-disable-next-line react/no-array-index-key -- parts of a line have no other name
        <Run key={at} {...run} />
      ))}
    </div>
  );
});

function Run({ text, style: { colour, isBold, isDim, isInverse } }: TerminalRun) {
  if (colour === undefined && !isBold && !isDim && !isInverse) return text;
  return (
    <span data-colour={colour} data-bold={isBold} data-dim={isDim} data-inverse={isInverse}>
      {text}
    </span>
  );
}
