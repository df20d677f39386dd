/** An archive becomes the current version of the app that its manifest names. */
import { useState } from 'react';
import { request } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { Button } from '#web/components/Button.tsx';
import { Dialog } from '#web/components/Dialog.tsx';
import { Field } from '#web/components/Field.tsx';
import { TEXT } from '#web/text/en.ts';
import { WORKERS } from '#web/text/workers.ts';
import { APPS_PATH } from './worker-queries.ts';

interface Deployment {
  readonly name: string;
  readonly version: string;
}

/** The server ends what does not go on. */
const DEADLINE_MS = 30 * 60_000;

export function DeployDialog({ onClose }: { readonly onClose: () => void }) {
  const [file, setFile] = useState<File>();
  const [isChecked, setChecked] = useState(false);
  const deploy = useAction({
    run: async (archive: File) => await sendArchive(archive),
    done: ({ name, version }) => WORKERS.deployed(name, version),
    invalidates: [queryKeys.apps],
    onDone: onClose,
    showsError: true,
  });
  const submit = () => {
    setChecked(true);
    if (file !== undefined && !deploy.isBusy) deploy.run(file);
  };
  const missing = isChecked && file === undefined ? WORKERS.noFile : undefined;
  return (
    <Dialog
      title={WORKERS.deployTitle}
      onClose={onClose}
      onSubmit={submit}
      actions={
        <>
          <Button onClick={onClose}>{TEXT.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={deploy.isBusy}>
            {WORKERS.deployAction}
          </Button>
        </>
      }
    >
      <Field
        label={WORKERS.deployFile}
        hint={WORKERS.deployHint}
        error={missing ?? deploy.error?.message}
      >
        {(input) => (
          <input
            {...input}
            type="file"
            accept=".tar,.tgz,.tar.gz"
            onChange={(event) => setFile(event.target.files?.[0])}
          />
        )}
      </Field>
    </Dialog>
  );
}

async function sendArchive(archive: File): Promise<Deployment> {
  const answer = await request(
    APPS_PATH,
    { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: archive },
    { deadlineMs: DEADLINE_MS },
  );
  return (await answer.json()) as Deployment;
}
