/** The API vm-service, as JSON over HTTP: `POST /vmprovisioner.v1.VmService/<Method>`. */
import { DroverHttp } from './drover-http.ts';
import type { ClientOptions } from './drover-http.ts';

export type VmState =
  | 'VM_STATE_UNSPECIFIED'
  | 'VM_STATE_CREATED'
  | 'VM_STATE_RUNNING'
  | 'VM_STATE_PAUSED'
  | 'VM_STATE_SHUTDOWN';

/** The fields that most machines need; the API takes more, and so does this type. */
export interface VmConfig {
  cpu: { vcpu_count: number; max_vcpu_count?: number; [more: string]: unknown };
  memory: { size_bytes: number; [more: string]: unknown };
  boot: {
    kernel_path?: string;
    initrd_path?: string;
    kernel_args?: string;
    boot_options?: Record<string, string>;
  };
  storage: {
    id?: string;
    path?: string;
    read_only?: boolean;
    is_root_device?: boolean;
    options?: Record<string, string>;
    [more: string]: unknown;
  }[];
  network?: { id?: string; mac_address?: string; [more: string]: unknown }[];
  console?: Record<string, unknown>;
  metadata?: Record<string, string>;
}

export interface VmAnswer {
  success: boolean;
  state: VmState;
  /** How a machine was shut down: `guest`, `killed`… */
  outcome?: string;
}

/** A machine as GetVmInfo has it. */
export interface Vm {
  vm_id: string;
  customer_id: string;
  state: VmState;
  state_reason: string;
  state_message: string;
  config: VmConfig;
  /** Null while it is off. */
  metrics: Record<string, unknown> | null;
  network_info: Record<string, unknown> | null;
  backend_info: Record<string, string>;
  created_at: string;
  updated_at: string;
}

export interface VmList {
  vms: { vm_id: string; state: VmState; [more: string]: unknown }[];
  next_page_token: string;
  total_count: number;
}

export class VmClient {
  readonly #http: DroverHttp;

  constructor(baseUrl: string, options: ClientOptions = {}) {
    this.#http = new DroverHttp(baseUrl, options);
  }

  async create(
    config: VmConfig,
    { vmId }: { readonly vmId?: string } = {},
  ): Promise<{ vm_id: string; state: VmState }> {
    return await this.#call('CreateVm', { config, ...(vmId !== undefined && { vm_id: vmId }) });
  }

  async boot(vmId: string): Promise<VmAnswer> {
    return await this.#call('BootVm', { vm_id: vmId });
  }

  async pause(vmId: string): Promise<VmAnswer> {
    return await this.#call('PauseVm', { vm_id: vmId });
  }

  async resume(vmId: string): Promise<VmAnswer> {
    return await this.#call('ResumeVm', { vm_id: vmId });
  }

  async reboot(vmId: string, { force = false } = {}): Promise<VmAnswer> {
    return await this.#call('RebootVm', { vm_id: vmId, force });
  }

  /** Waits for the guest so long, 30 s when left out, and then kills it; `force` does at once. */
  async shutdown(vmId: string, { force = false, timeoutSeconds = 0 } = {}): Promise<VmAnswer> {
    return await this.#call('ShutdownVm', {
      vm_id: vmId,
      force,
      timeout_seconds: timeoutSeconds,
    });
  }

  async delete(vmId: string, { force = false } = {}): Promise<{ success: boolean }> {
    return await this.#call('DeleteVm', { vm_id: vmId, force });
  }

  async info(vmId: string): Promise<Vm> {
    return await this.#call('GetVmInfo', { vm_id: vmId });
  }

  /** One page. */
  async list({ pageSize = 0, pageToken = '' } = {}): Promise<VmList> {
    return await this.#call('ListVms', { page_size: pageSize, page_token: pageToken });
  }

  /** Every machine, page by page. */
  async *all(): AsyncGenerator<VmList['vms'][number]> {
    let pageToken = '';
    do {
      const page = await this.list({ pageToken });
      yield* page.vms;
      pageToken = page.next_page_token;
    } while (pageToken !== '');
  }

  async #call<T>(method: string, body: object): Promise<T> {
    const path = `/vmprovisioner.v1.VmService/${method}`;
    return await this.#http.json(path, { method: 'POST', body });
  }
}
