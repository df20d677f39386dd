/** Sends files from this computer to the server's. */
import { useRef } from 'react';
import { useStore } from '#web/api/store.ts';
import { useMayChange } from '#web/api/session.ts';
import { Button } from '#web/components/Button.tsx';
import { IconButton } from '#web/components/IconButton.tsx';
import { ProgressBar } from '#web/components/ProgressBar.tsx';
import { useToast } from '#web/components/toast-store.ts';
import { TEXT } from '#web/text/en.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { dismissSending, sendFiles, sendings } from './sending.ts';

const { sources } = MIGRATIONS;

export function SendFiles() {
  const input = useRef<HTMLInputElement>(null);
  const toast = useToast();
  const send = (files: readonly File[]) =>
    void sendFiles(files, (name) => toast({ kind: 'ok', text: sources.uploaded(name) }));
  return (
    useMayChange() && (
      <>
        <input
          ref={input}
          type="file"
          multiple
          hidden
          aria-label={sources.upload}
          onChange={({ target }) => {
            send([...(target.files ?? [])]);
            // The same file can be chosen again.
            target.value = '';
          }}
        />
        <Button icon="plus" onClick={() => input.current?.click()}>
          {sources.upload}
        </Button>
      </>
    )
  );
}

/** What is on its way, and what did not arrive. */
export function SendingList() {
  const all = useStore(sendings);
  if (all.length === 0) return null;
  return (
    <ul className="sending">
      {all.map(({ name, sentBytes, totalBytes, bytesPerS, error, stop }) => (
        <li key={name}>
          <div className="toolbar">
            <span>{sources.uploading(name)}</span>
            <IconButton
              icon="close"
              label={`${error === undefined ? TEXT.cancel : TEXT.dismiss}: ${name}`}
              onClick={() => (error === undefined ? stop() : dismissSending(name))}
            />
          </div>
          <ProgressBar
            label={sources.uploading(name)}
            doneBytes={sentBytes}
            totalBytes={totalBytes}
            bytesPerS={bytesPerS}
            state={error === undefined ? 'running' : 'failed'}
          />
          {error !== undefined && (
            <p className="tone-error" role="alert">
              {error}
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}
