/** Of a batch that was taken in part: which VMs were refused, and why. */
import type { FindingGroup } from './FindingList.tsx';

/** What is to be submitted for a VM. */
export interface Wanted {
  readonly request: object;
  readonly name: string;
}

/** The server says `jobs[3]: why`, by their place in what it was sent. */
export function refusalsOf(
  errors: readonly string[],
  sent: readonly Wanted[],
): readonly FindingGroup[] {
  return errors.map((error) => {
    const [, place, why] = /^jobs\[(\d+)\]: (.*)$/s.exec(error) ?? [];
    const name = sent[Number(place)]?.name ?? '';
    const message = name === '' ? error : (why ?? error);
    return {
      name,
      findings: [{ code: 'refused', severity: 'error', subject: null, message, remedy: null }],
    };
  });
}
