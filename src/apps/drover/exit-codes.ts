/** What the shell is told. Scripts switch on these, so a number never changes its meaning. */
import type { ErrorKind } from '#kernel/errors.ts';

export const EXIT_OK = 0;

export const EXIT_CODES = {
  internal: 1,
  data_loss: 1,
  invalid_argument: 2,
  not_found: 3,
  unauthenticated: 4,
  permission_denied: 4,
  already_exists: 5,
  failed_precondition: 6,
  aborted: 6,
  resource_exhausted: 7,
  unavailable: 8,
  deadline_exceeded: 9,
  unimplemented: 10,
  /** As shells have it for Ctrl-C. */
  cancelled: 130,
} as const satisfies Record<ErrorKind, number>;
