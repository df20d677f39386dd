/** A server to be watched: new, or changed. */
import { useState } from 'react';
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { Button } from '#web/components/Button.tsx';
import { CheckField } from '#web/components/CheckField.tsx';
import { Dialog } from '#web/components/Dialog.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { TEXT } from '#web/text/en.ts';
import { SETTINGS } from '#web/text/settings.ts';
import {
  EMPTY_SERVER,
  EMPTY_SOURCE,
  ROLES,
  SERVERS_PATH,
  formToServer,
  placeOf,
  serverToForm,
  settingsPath,
  type FieldPlace,
  type Role,
  type ServerForm,
  type ServerSettings,
  type SourceForm,
} from './server-settings.ts';
import { SourceFields } from './SourceFields.tsx';

export interface ServerDialogProps {
  /** Undefined: a new one. */
  readonly server: ServerSettings | undefined;
  readonly onClose: () => void;
}

/** What is wrong with a field of the server, or of one of its sources. */
type ErrorOf = (name: FieldPlace['name'], source?: number) => string | undefined;

const MOST_SOURCES = 8;
const { form: words } = SETTINGS;

export function ServerDialog({ server, onClose }: ServerDialogProps) {
  const [form, setForm] = useState(() => (server ? serverToForm(server) : EMPTY_SERVER));
  const save = useAction({
    run: () =>
      server === undefined
        ? sendJson<ServerSettings>('POST', SERVERS_PATH, formToServer(form))
        : sendJson<ServerSettings>('PUT', settingsPath(server.id), formToServer(form)),
    done: ({ name }) => (server === undefined ? SETTINGS.created(name) : SETTINGS.saved(name)),
    invalidates: [queryKeys.serverSettings, queryKeys.servers],
    onDone: onClose,
    showsError: true,
  });
  const place = placeOf(save.error?.facts.field);
  const errorOf: ErrorOf = (name, source) =>
    place?.name === name && place.source === source ? save.error?.message : undefined;
  return (
    <Dialog
      title={server === undefined ? SETTINGS.add : SETTINGS.edit(server.id)}
      size="wide"
      onClose={onClose}
      onSubmit={() => !save.isBusy && save.run(undefined)}
      actions={
        <>
          <Button onClick={onClose}>{TEXT.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={save.isBusy}>
            {server === undefined ? SETTINGS.create : SETTINGS.save}
          </Button>
        </>
      }
    >
      <Fields form={form} isNew={server === undefined} errorOf={errorOf} onChange={setForm} />
      {save.error !== null && place === undefined && (
        <p className="tone-error" role="alert">
          {save.error.message}
        </p>
      )}
    </Dialog>
  );
}

interface FieldsProps {
  readonly form: ServerForm;
  readonly isNew: boolean;
  readonly errorOf: ErrorOf;
  readonly onChange: (form: ServerForm) => void;
}

function Fields({ form, isNew, errorOf, onChange }: FieldsProps) {
  const { sources } = form;
  const setSource = (changed: number, source: SourceForm) =>
    onChange({ ...form, sources: sources.with(changed, source) });
  return (
    <>
      <div className="form">
        <TextField
          {...{ label: words.id, hint: words.idHint, value: form.id, error: errorOf('id') }}
          isFirst={isNew}
          disabled={!isNew}
          onChange={(id) => onChange({ ...form, id })}
        />
        <TextField
          {...{ label: words.name, hint: words.nameHint, value: form.name }}
          error={errorOf('name')}
          onChange={(name) => onChange({ ...form, name })}
        />
        <fieldset className="checks">
          <legend>{words.rolesTitle}</legend>
          {ROLES.map((role) => (
            <CheckField
              key={role}
              label={SETTINGS.roles[role]}
              checked={form.roles.includes(role)}
              onChange={() => onChange({ ...form, roles: toggled(form.roles, role) })}
            />
          ))}
        </fieldset>
      </div>
      {sources.map((source, number) => (
        <SourceFields
          // oxlint-disable-next-line react/no-array-index-key -- it has no other name
          key={number}
          {...{ source, number: number + 1 }}
          errorOf={(name) => errorOf(name, number)}
          onChange={(changed) => setSource(number, changed)}
          onRemove={
            sources.length > 1
              ? () => onChange({ ...form, sources: sources.toSpliced(number, 1) })
              : undefined
          }
        />
      ))}
      {sources.length < MOST_SOURCES && (
        <div>
          <Button
            size="small"
            icon="plus"
            onClick={() => onChange({ ...form, sources: [...sources, EMPTY_SOURCE] })}
          >
            {words.addSource}
          </Button>
        </div>
      )}
    </>
  );
}

function toggled(roles: readonly Role[], role: Role): readonly Role[] {
  return roles.includes(role) ? roles.filter((each) => each !== role) : [...roles, role];
}
