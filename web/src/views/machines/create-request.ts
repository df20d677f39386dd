/** From the form of a new machine to the request for it. */
import type { JsonObject } from '@bufbuild/protobuf';
import { MACHINES } from '#web/text/machines.ts';
import type { OfferedImage } from './create-image.ts';

const STARTS = ['bios', 'uefi', 'kernel'] as const;
const NETWORKS = ['auto', 'ipv4', 'ipv6', 'none'] as const;
const WRITES = ['overlay', 'direct'] as const;

export type Start = (typeof STARTS)[number];
export type Network = (typeof NETWORKS)[number];
export type Write = (typeof WRITES)[number];

/** As it was typed: whether it is right is looked at when it is sent. */
export interface CreateForm {
  /** Undefined where it is not asked: customers make machines of their own. */
  readonly customer: string | undefined;
  readonly name: string;
  readonly vcpus: string;
  readonly memoryMib: string;
  /** What it starts from is then settled; undefined: what follows says it. */
  readonly image: OfferedImage | undefined;
  readonly start: Start;
  readonly disk: string;
  readonly write: Write;
  readonly kernel: string;
  readonly initrd: string;
  readonly args: string;
  readonly network: Network;
}

export const NEW_FORM: CreateForm = {
  ...{ customer: undefined, name: '', vcpus: '1', memoryMib: '1024', image: undefined },
  ...{ start: 'bios', disk: '', write: 'overlay', kernel: '', initrd: '' },
  ...{ args: 'console=ttyS0', network: 'auto' },
};

export type FormField = keyof CreateForm;
export type FormErrors = Partial<Record<FormField, string>>;

const MODES: Readonly<Record<Network, string | undefined>> = {
  ...{ auto: undefined, none: undefined },
  ...{ ipv4: 'NETWORK_MODE_IPV4_ONLY', ipv6: 'NETWORK_MODE_IPV6_ONLY' },
};

/** Of CreateVm, in the documented names: what is sent, and what is shown. */
export function toCreateRequest(form: CreateForm): JsonObject {
  const { customer, name, vcpus, memoryMib, image } = form;
  const given = image?.config ?? { boot: toBoot(form), storage: [toDisk(form)] };
  const network = toNetwork(form);
  // Under both its names it would have to agree with what is typed.
  const { vcpuCount: _, ...cpu } = objectIn(given, 'cpu');
  return {
    ...(customer !== undefined && { customer_id: customer.trim() }),
    config: {
      ...given,
      cpu: { ...cpu, vcpu_count: wholeNumber(vcpus) },
      memory: { size_bytes: wholeNumber(memoryMib) * 1024 * 1024 },
      ...(network !== undefined && { network }),
      metadata: {
        ...objectIn(given, 'metadata'),
        ...(name.trim() !== '' && { name: name.trim() }),
      },
    },
  };
}

/** Undefined: the image has it. */
function toNetwork({ network, image }: CreateForm): JsonObject[] | undefined {
  const mode = MODES[network];
  if (network === 'none') return [];
  if (network === 'auto' && image !== undefined) return undefined;
  return [{ interface_id: 'eth0', guest_mac: 'auto', ...(mode && { mode }) }];
}

function objectIn(config: JsonObject, name: string): JsonObject {
  const part = config[name];
  return typeof part === 'object' && part !== null && !Array.isArray(part) ? part : {};
}

function toBoot({ start, kernel, initrd, args }: CreateForm): JsonObject {
  if (start !== 'kernel') return { boot_options: { firmware: start } };
  return {
    kernel_path: kernel.trim(),
    ...(initrd.trim() !== '' && { initrd_path: initrd.trim() }),
    kernel_args: args.trim(),
  };
}

function toDisk({ disk, write }: CreateForm): JsonObject {
  return {
    ...{ device_id: 'rootfs', path_on_host: disk.trim() },
    ...{ is_read_only: false, is_root_device: true },
    ...(write === 'direct' && { options: { write_mode: 'direct' } }),
  };
}

/** What can be seen without asking the server. */
export function findMistakes(form: CreateForm): FormErrors {
  const { wrong } = MACHINES.create;
  const vcpus = wholeNumber(form.vcpus);
  return {
    ...(form.customer?.trim() === '' && { customer: wrong.customer }),
    ...(!(vcpus >= 1 && vcpus <= 32) && { vcpus: wrong.vcpus }),
    ...(!(wholeNumber(form.memoryMib) >= 128) && { memoryMib: wrong.memory }),
    ...(form.image === undefined && startMistakes(form)),
  };
}

function startMistakes({ disk, start, kernel }: CreateForm): FormErrors {
  const { wrong } = MACHINES.create;
  return {
    ...(disk.trim() === '' && { disk: wrong.disk }),
    ...(start === 'kernel' && kernel.trim() === '' && { kernel: wrong.kernel }),
  };
}

const FIELDS: readonly (readonly [prefix: string, field: FormField])[] = [
  ['customer_id', 'customer'],
  ['config.cpu', 'vcpus'],
  ['config.memory', 'memoryMib'],
  ['config.boot.kernel_path', 'kernel'],
  ['config.boot.initrd_path', 'initrd'],
  ['config.boot.kernel_args', 'args'],
  ['config.boot', 'start'],
  ['config.storage[0].options', 'write'],
  ['config.storage', 'disk'],
  ['config.network', 'network'],
  ['config.metadata', 'name'],
];

/** Those that are not there where an image is chosen: they are its own. */
const STARTING: readonly FormField[] = ['start', 'disk', 'write', 'kernel', 'initrd', 'args'];

/** Where the server's objection belongs; undefined when no field of the form is meant. */
export function fieldOf(
  serverField: string | undefined,
  { image }: Pick<CreateForm, 'image'>,
): FormField | undefined {
  const field = FIELDS.find(([prefix]) => serverField?.startsWith(prefix))?.[1];
  return image !== undefined && field !== undefined && STARTING.includes(field) ? 'image' : field;
}

/** Not a number is one that no comparison accepts, and stands for 0 in the request shown. */
function wholeNumber(text: string): number {
  return /^\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : 0;
}
