/** QueryChangedDiskAreas, answered from what a test says has changed, a few areas at a time. */
import type { HostedDisk, HostedVm } from './hosted-vm.ts';
import { answer, faultAnswer } from './soap-message.ts';
import type { Reference, SoapAnswer, SoapRequest } from './soap-message.ts';
import { textOf } from './xml-element.ts';

export interface DiskArea {
  readonly start: number;
  readonly length: number;
}

const MOST_AREAS = 16;

export class ChangedAreas {
  readonly #areas = new Map<string, readonly DiskArea[]>();
  readonly #vmOf: (ref: Reference) => HostedVm | undefined;

  constructor(vmOf: (ref: Reference) => HostedVm | undefined) {
    this.#vmOf = vmOf;
  }

  /** In ascending order. The change id `*` asks for all that is allocated. */
  set(disk: HostedDisk, changeId: string, areas: readonly DiskArea[]): void {
    this.#areas.set(`${disk.path} ${changeId}`, areas);
  }

  handle({ method, target, body }: SoapRequest): SoapAnswer | undefined {
    if (method !== 'QueryChangedDiskAreas') return undefined;
    const deviceKey = Number(textOf(body, 'deviceKey'));
    const start = Number(textOf(body, 'startOffset'));
    const changeId = textOf(body, 'changeId') ?? '';
    const disk = this.#vmOf(target)?.disks.find(({ key }) => key === deviceKey);
    if (disk === undefined) return invalid('deviceKey');
    if (!(start >= 0 && start < disk.capacityBytes)) return invalid('startOffset');
    const known = this.#areas.get(`${disk.path} ${changeId}`);
    if (known === undefined) {
      const file = `<file>${disk.path}</file>`;
      return faultAnswer('FileFault', `Error caused by file ${disk.path}`, file);
    }
    const rest = known
      .map((area) => ({ start: Math.max(area.start, start), end: area.start + area.length }))
      .filter((area) => area.end > area.start);
    const page = rest.slice(0, MOST_AREAS);
    const next = rest[MOST_AREAS]?.start ?? disk.capacityBytes;
    const areas = page.map(
      (area) =>
        `<changedArea><start>${area.start}</start><length>${area.end - area.start}</length>` +
        '</changedArea>',
    );
    const info = `<startOffset>${start}</startOffset><length>${next - start}</length>`;
    return answer(method, `<returnval>${info}${areas.join('')}</returnval>`);
  }
}

function invalid(property: string): SoapAnswer {
  const message = `A specified parameter was not correct: ${property}`;
  const details = `<invalidProperty>${property}</invalidProperty>`;
  return faultAnswer('InvalidArgument', message, details);
}
