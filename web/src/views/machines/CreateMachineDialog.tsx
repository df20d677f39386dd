/** A new machine, for the common case: one disk, one network. The request can be taken along. */
import { fromJson } from '@bufbuild/protobuf';
import { useState } from 'react';
import { CreateVmRequestSchema, VmService, type VmInfo } from '#gen/vmprovisioner/v1/vm_pb.js';
import { toApiError } from '#web/api/api-error.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { callRpc } from '#web/api/rpc.ts';
import { useIsOperator } from '#web/api/session.ts';
import { useAction } from '#web/api/use-action.ts';
import { useGo } from '#web/app/use-view.ts';
import { Button } from '#web/components/Button.tsx';
import { CheckField } from '#web/components/CheckField.tsx';
import { CopyButton } from '#web/components/CopyButton.tsx';
import { Dialog } from '#web/components/Dialog.tsx';
import { useToast } from '#web/components/toast-store.ts';
import { TEXT } from '#web/text/en.ts';
import { MACHINES } from '#web/text/machines.ts';
import { CreateFields } from './CreateFields.tsx';
import {
  NEW_FORM,
  fieldOf,
  findMistakes,
  toCreateRequest,
  type CreateForm,
  type FormErrors,
} from './create-request.ts';
import { GENTLY, tellMachine } from './machine-command.ts';
import { machineView } from './view.ts';

const { create } = MACHINES;
const DEADLINE_MS = 60_000;

export interface CreateMachineDialogProps {
  /** What their customers and disks are called is suggested. */
  readonly machines: readonly VmInfo[];
  readonly onClose: () => void;
}

export function CreateMachineDialog({ machines, onClose }: CreateMachineDialogProps) {
  const isOperator = useIsOperator();
  const [typed, setTyped] = useState<CreateForm>(NEW_FORM);
  // An operator most likely goes on with the customer of the newest machine.
  const customer = isOperator ? (typed.customer ?? machines[0]?.customerId ?? '') : undefined;
  const form = { ...typed, customer };
  const [wantsBoot, setWantsBoot] = useState(true);
  const [mistakes, setMistakes] = useState<FormErrors>({});
  const { run, isBusy, error, reset } = useCreate();
  const refused = fieldOf(error?.facts.field, form);
  const errors: FormErrors = {
    ...(error !== null && refused !== undefined && { [refused]: error.message }),
    ...mistakes,
  };
  const send = () => {
    if (isBusy) return;
    const found = findMistakes(form);
    setMistakes(found);
    if (Object.keys(found).length === 0) run({ form, wantsBoot });
  };
  return (
    <Dialog
      title={create.title}
      size="wide"
      onClose={onClose}
      onSubmit={send}
      actions={
        <>
          <Button onClick={onClose}>{TEXT.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={isBusy}>
            {create.submit}
          </Button>
        </>
      }
    >
      <CreateFields
        {...{ form, errors, machines }}
        onChange={(changes) => {
          setTyped({ ...typed, ...changes });
          setMistakes({});
          reset();
        }}
      />
      <CheckField label={create.boot} checked={wantsBoot} onChange={setWantsBoot} />
      <RequestShown form={form} />
      {error !== null && refused === undefined && (
        <p className="tone-error" role="alert">
          {error.message}
        </p>
      )}
    </Dialog>
  );
}

function RequestShown({ form }: { readonly form: CreateForm }) {
  const text = JSON.stringify(toCreateRequest(form), null, 2);
  return (
    <details className="request">
      <summary>{create.request}</summary>
      <div className="request-head">
        <code className="quiet">{create.requestHint}</code>
        <CopyButton text={text} />
      </div>
      <pre>{text}</pre>
    </details>
  );
}

interface Wanted {
  readonly form: CreateForm;
  readonly wantsBoot: boolean;
}

/** One that does not boot is there all the same, and its page is where to see why. */
function useCreate() {
  const go = useGo();
  const toast = useToast();
  return useAction({
    run: async ({ form, wantsBoot }: Wanted) => {
      const request = fromJson(CreateVmRequestSchema, toCreateRequest(form));
      const options = { deadlineMs: DEADLINE_MS };
      const { vmId } = await callRpc(VmService.method.createVm, request, options);
      if (!wantsBoot) return { vmId, failure: undefined };
      try {
        await tellMachine('boot', vmId, GENTLY);
        return { vmId, failure: undefined };
      } catch (thrown) {
        return { vmId, failure: toApiError(thrown).message };
      }
    },
    done: ({ vmId }, { form }) => create.done(form.name.trim() === '' ? vmId : form.name.trim()),
    onDone: ({ vmId, failure }) => {
      if (failure !== undefined) toast({ kind: 'error', text: failure });
      go({ view: machineView, params: { id: vmId } });
    },
    invalidates: [queryKeys.machines],
    showsError: true,
  });
}
