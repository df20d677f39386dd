/** Something that a person does to the server: busy meanwhile, and told how it went. */
import { useMutation, useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useToast } from '#web/components/toast-store.ts';
import { toApiError, type ApiError } from './api-error.ts';

export interface ActionOptions<Input, Output> {
  readonly run: (input: Input) => Promise<Output>;
  /** Said when it worked. */
  readonly done?: (output: Output, input: Input) => string;
  /** What is asked for again, whether it worked or not. */
  readonly invalidates?: readonly QueryKey[];
  /** Called when it worked: to close a dialog, to go somewhere. */
  readonly onDone?: (output: Output, input: Input) => void;
  /** The error is shown by the caller, in its form; otherwise it is told in passing. */
  readonly showsError?: boolean;
}

export interface Action<Input> {
  /** Never rejects. */
  readonly run: (input: Input) => void;
  readonly isBusy: boolean;
  /** Of the last run, until the next. */
  readonly error: ApiError | null;
  readonly reset: () => void;
}

export function useAction<Input, Output>(options: ActionOptions<Input, Output>): Action<Input> {
  const { run, done, invalidates = [], onDone, showsError = false } = options;
  const client = useQueryClient();
  const toast = useToast();
  const { mutate, isPending, error, reset } = useMutation<Output, unknown, Input>({
    mutationFn: run,
    onSuccess: (output, input) => {
      const text = done?.(output, input);
      if (text !== undefined) toast({ kind: 'ok', text });
      onDone?.(output, input);
    },
    onError: (thrown) => {
      if (!showsError) toast({ kind: 'error', text: toApiError(thrown).message });
    },
    onSettled: async () => {
      await Promise.all(invalidates.map((queryKey) => client.invalidateQueries({ queryKey })));
    },
  });
  return {
    run: (input) => mutate(input),
    isBusy: isPending,
    error: error === null ? null : toApiError(error),
    reset,
  };
}
