/** Calls of the API as curl would make them, and the documented example of CreateVm. */

export const CUSTOMER = 'dev_customer_123';
export const OTHER_CUSTOMER = 'dev_customer_other';
export const OPERATOR = 'dev_operator';

export const VM_SERVICE = 'vmprovisioner.v1.VmService';
export const MACHINES = 'drover.v1.Machines';

export type Json = ReturnType<typeof JSON.parse>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined when the text is no JSON. */
  readonly json: Json;
}

interface Call {
  readonly body?: unknown;
  /** Undefined for none at all. */
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Server {
  readonly url: string;
}

/** POST with JSON; a body that is text is sent as it is. */
export async function post(server: Server, path: string, call: Call = {}): Promise<Answer> {
  const { body = {} } = call;
  return await send(server, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headersOf(call) },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

export async function get(server: Server, path: string, call: Call = {}): Promise<Answer> {
  return await send(server, path, { headers: headersOf(call) });
}

function headersOf({ token, headers = {} }: Call): Record<string, string> {
  return { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers };
}

async function send(server: Server, path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(new URL(path, server.url), init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    // Not every answer is JSON; a test that needs it fails on the field it looks for.
    return undefined;
  }
}

/** A method of the documented service, by default as the customer of the document. */
export async function call(
  server: Server,
  method: string,
  body: unknown = {},
  token: string = CUSTOMER,
): Promise<Answer> {
  return await post(server, `/${VM_SERVICE}/${method}`, { body, token });
}

/** A method of our own service. */
export async function callMachines(
  server: Server,
  method: string,
  body: unknown = {},
  token: string = CUSTOMER,
): Promise<Answer> {
  return await post(server, `/${MACHINES}/${method}`, { body, token });
}

/** The answer to a call that has to succeed. */
export async function ask(
  server: Server,
  method: string,
  body: unknown = {},
  token: string = CUSTOMER,
): Promise<Json> {
  const answer = await call(server, method, body, token);
  if (answer.status !== 200) throw new Error(`${method}: ${answer.status} ${answer.text}`);
  return answer.json;
}

/** The least that makes a machine; `changes` are laid over it. */
export function smallConfig(changes: Readonly<Record<string, unknown>> = {}): Json {
  return {
    cpu: { vcpu_count: 1 },
    memory: { size_bytes: 134217728 },
    boot: { kernel_path: '/assets/vmlinux-5.10' },
    storage: [{ device_id: 'rootfs', path_on_host: '/assets/rootfs.ext4', is_root_device: true }],
    ...changes,
  };
}

/** Creates a machine of the least kind and answers its id. */
export async function createVm(
  server: Server,
  { token = CUSTOMER, ...request }: Readonly<Record<string, unknown>> & { token?: string } = {},
): Promise<string> {
  const answer = await ask(server, 'CreateVm', { config: smallConfig(), ...request }, token);
  return answer.vm_id;
}

/** The request that the API document shows for CreateVm, its comments removed. */
export function documentedCreateVm(): Json {
  return {
    vm_id: 'string',
    config: {
      cpu: { vcpu_count: 2, cpu_template: 'T2' },
      memory: { size_bytes: 1073741824 },
      boot: {
        kernel_path: '/assets/vmlinux-5.10',
        kernel_args: 'console=ttyS0 reboot=k panic=1',
        initrd_path: '/assets/initrd',
      },
      storage: [
        {
          device_id: 'rootfs',
          path_on_host: '/assets/rootfs.ext4',
          is_read_only: false,
          is_root_device: true,
        },
      ],
      network: [
        {
          interface_id: 'eth0',
          type: 'TAP',
          guest_mac: 'auto',
          rate_limit: {
            bandwidth_bytes_per_second: 104857600,
            burst_bytes: 1048576,
            refill_time_millis: 100,
          },
        },
      ],
      console: { type: 'VIRTIO_CONSOLE', output_file: '/tmp/vm-console.log' },
      metadata: { name: 'my-vm', project: 'test' },
    },
    customer_id: 'customer-123',
  };
}
