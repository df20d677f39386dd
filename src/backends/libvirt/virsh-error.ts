/** What virsh says when something fails, in the kinds that the rest of Drover decides by. */
import { DroverError, type ErrorKind } from '#kernel/errors.ts';

interface Rule {
  /** Any of them, in whatever case. */
  readonly says: readonly RegExp[];
  readonly kind: ErrorKind;
  readonly reason: string;
  /** What to do about it; undefined: libvirt's own words say it all. */
  readonly remedy?: string;
  /** The lines worth repeating, where the program says a page; undefined: all. */
  readonly tells?: RegExp;
}

/** The first that fits decides, so what is particular comes before what is general. */
const RULES: readonly Rule[] = [
  {
    says: [/remote host identification has changed/i],
    kind: 'failed_precondition',
    reason: 'SSH_HOST_KEY_CHANGED',
    tells: /^The fingerprint|^SHA256:|^Offending/,
    remedy:
      'find out why: the host was installed anew, or another one answers in its place; then, as ' +
      'the user who runs Drover, forget the old key by ssh-keygen -R and accept the new one',
  },
  {
    says: [/host key verification failed/i],
    kind: 'failed_precondition',
    reason: 'SSH_HOST_KEY_UNKNOWN',
    remedy: 'log in once by ssh as the user who runs Drover, and check and accept the host key',
  },
  {
    says: [/permission denied \((?:publickey|password|keyboard|gssapi|hostbased)/i],
    kind: 'unauthenticated',
    reason: 'SSH_LOGIN_REFUSED',
    remedy:
      'let the user who runs Drover log in there by ssh, with a key that asks for no passphrase, ' +
      'or by an agent',
  },
  {
    says: [/cannot find 'ssh' in path/i],
    kind: 'failed_precondition',
    reason: 'PROGRAM_MISSING',
    remedy: 'install the package openssh-client here',
  },
  {
    says: [/(?:nc|virt-ssh-helper): (?:command )?not found/i],
    kind: 'failed_precondition',
    reason: 'LIBVIRT_NOT_INSTALLED',
    remedy:
      'install libvirt-daemon-system there, and netcat-openbsd too if the URI has the parameter ' +
      'socket',
  },
  {
    says: [
      /authentication (?:failed|unavailable|cancelled)|access denied/i,
      /failed to connect socket.*permission denied/i,
    ],
    kind: 'unauthenticated',
    reason: 'LIBVIRT_REFUSES_USER',
    remedy: 'let the user who logs in there use libvirt: the group libvirt',
  },
  {
    says: [
      /failed to connect socket|unable to connect to server|failed to connect to the hypervisor/i,
      /could not resolve hostname|connect to host|no route to host|network is unreachable/i,
      /connection (?:refused|reset|timed out|closed)|broken pipe|disconnected from/i,
      /end of file while reading data|cannot recv data|client socket is closed/i,
    ],
    kind: 'unavailable',
    reason: 'LIBVIRT_UNREACHABLE',
    remedy: 'start libvirtd there, and see that this host reaches it',
  },
  {
    says: [
      /timed out during operation|cannot acquire state change lock/i,
      /another.*job is active/i,
      // An upload of an attempt that was killed has not ended yet.
      /still in use|logical volume \S+ in use/i,
    ],
    kind: 'unavailable',
    reason: 'LIBVIRT_BUSY',
  },
  {
    says: [/no space left on device/i, /not enough (?:free )?space|insufficient free space/i],
    kind: 'resource_exhausted',
    reason: 'STORAGE_FULL',
  },
  {
    says: [/already exists|exists already|already in use|already defined with uuid/i],
    kind: 'already_exists',
    reason: 'LIBVIRT_NAME_TAKEN',
  },
  {
    says: [
      /(?:domain|network|interface|storage pool|storage volume|metadata) not found/i,
      /failed to get (?:domain|network|interface|pool|vol)/i,
      /no (?:domain|network|storage pool|storage vol) with/i,
    ],
    kind: 'not_found',
    reason: 'LIBVIRT_HAS_NOTHING_SO_NAMED',
  },
  {
    says: [/requested operation is not valid|is already (?:active|running)|is not running/i],
    kind: 'failed_precondition',
    reason: 'LIBVIRT_STATE_IN_THE_WAY',
  },
  {
    says: [
      /unsupported configuration|not supported|invalid argument/i,
      /unknown option|unknown command/i,
    ],
    kind: 'failed_precondition',
    reason: 'LIBVIRT_LACKS_FEATURE',
  },
  {
    says: [/cannot allocate memory/i],
    kind: 'resource_exhausted',
    reason: 'HOST_MEMORY_FULL',
    remedy: 'free memory on that host, or give the VM less',
  },
];

const LONGEST = 400;

/** `command` is the name of the virsh command alone: its arguments may be long. */
export function virshFailure(command: string, stderr: string): DroverError {
  const rule = RULES.find(({ says }) => says.some((pattern) => pattern.test(stderr)));
  const said = tidy(stderr, rule?.tells);
  const context = { command, stderr: stderr.slice(0, 4000) };
  if (rule === undefined) {
    return new DroverError('failed_precondition', `libvirt refused ${command}: ${said}`, {
      reason: 'LIBVIRT_REFUSED',
      context,
    });
  }
  const { kind, reason, remedy } = rule;
  const what = `libvirt, asked to ${command}: ${said}`;
  if (remedy === undefined) return new DroverError(kind, what, { reason, context });
  const metadata = { remedy };
  return new DroverError(kind, `${what}; ${remedy}`, { reason, context, metadata });
}

/** One line of what is often two: what failed, and why. */
function tidy(stderr: string, tells = /./): string {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.replace(/^error:\s*/, '').trim())
    // What ssh frames is a heading.
    .filter((line) => line !== '' && !line.startsWith('@'));
  const telling = lines.filter((line) => tells.test(line));
  const text = (telling.length > 0 ? telling : lines).join(': ');
  return text === '' ? 'it gave no reason' : text.slice(0, LONGEST);
}
