/** What virsh says when something fails, in the kinds that the rest of Drover decides by. */
import { DroverError, type ErrorKind } from '#kernel/errors.ts';

interface Rule {
  /** Any of them, in whatever case. */
  readonly says: readonly RegExp[];
  readonly kind: ErrorKind;
  readonly reason: string;
  /** What to do about it; undefined: libvirt's own words say it all. */
  readonly remedy?: string;
}

/** The first that fits decides, so what is particular comes before what is general. */
const RULES: readonly Rule[] = [
  {
    says: [/host key verification failed/i, /remote host identification has changed/i],
    kind: 'failed_precondition',
    reason: 'SSH_HOST_KEY_UNKNOWN',
    remedy: 'log in once by ssh as the user who runs Drover, and check and accept the host key',
  },
  {
    says: [
      /authentication (?:failed|unavailable|cancelled)|access denied/i,
      /failed to connect socket.*permission denied/i,
      /permission denied \((?:publickey|password|keyboard|gssapi|hostbased)/i,
    ],
    kind: 'unauthenticated',
    reason: 'LIBVIRT_REFUSES_USER',
    remedy:
      'let the user who runs Drover use libvirt (group libvirt), or log in there with a key by ssh',
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
  const said = tidy(stderr);
  const context = { command, stderr: stderr.slice(0, 4000) };
  const rule = RULES.find(({ says }) => says.some((pattern) => pattern.test(stderr)));
  if (rule === undefined) {
    return new DroverError('failed_precondition', `libvirt refused ${command}: ${said}`, {
      reason: 'LIBVIRT_REFUSED',
      context,
    });
  }
  const remedy = rule.remedy === undefined ? '' : `; ${rule.remedy}`;
  return new DroverError(rule.kind, `libvirt, asked to ${command}: ${said}${remedy}`, {
    reason: rule.reason,
    context,
  });
}

/** One line of what is often two: what failed, and why. */
function tidy(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).map((line) => line.replace(/^error:\s*/, '').trim());
  const text = lines.filter((line) => line !== '').join(': ');
  return text === '' ? 'it gave no reason' : text.slice(0, LONGEST);
}
