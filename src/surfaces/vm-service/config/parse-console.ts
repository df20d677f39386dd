/** The serial console; what it prints is always kept, this only says how. */
import type { ConsoleConfig } from '#gen/vmprovisioner/v1/vm_pb.js';
import { invalidArgument } from '#kernel/errors.ts';
import { quote } from '#machines/machine-rules.ts';
import type { ConsoleSpec } from '#machines/machine-spec.ts';
import { eitherName } from './either-name.ts';

const TYPES = ['', 'serial', 'virtio_console', 'virtio-console', 'virtio'];
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

export function parseConsole(console: ConsoleConfig | undefined): ConsoleSpec {
  if (console === undefined) return { isEnabled: true, type: 'serial', outputFile: undefined };
  const path = 'config.console';
  const type = eitherName(path, ['console_type', console.consoleType], ['type', console.type]);
  if (!TYPES.includes(type.value.toLowerCase())) {
    throw invalidArgument(type.field, `must be serial or VIRTIO_CONSOLE, got ${quote(type.value)}`);
  }
  if (console.input !== '') {
    throw invalidArgument(`${path}.input`, 'must be left out: the console takes no input');
  }
  const output = eitherName(path, ['output', console.output], ['output_file', console.outputFile]);
  return {
    isEnabled: true,
    type: type.value.toLowerCase().startsWith('virtio') ? 'virtio-console' : 'serial',
    outputFile: output.value === '' ? undefined : parseFileName(output.field, output.value),
  };
}

/**
 * The file lies in the machine's own directory whatever path is given; see
 * docs/decisions/0005-console-output-file.md.
 */
function parseFileName(field: string, path: string): string {
  const name = path.split('/').at(-1) ?? '';
  if (FILE_NAME.test(name)) return name;
  throw invalidArgument(field, "must end in a file name of letters, digits, '_', '.' and '-'");
}
