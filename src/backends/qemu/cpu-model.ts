/**
 * What `-cpu` is given.
 *
 * Without a template a guest sees the whole processor: `host` under KVM, `max` under TCG. A
 * template is a promise that guests see the same processor on unlike hosts, so each is a named
 * model of QEMU's, the newest that every processor the template is meant for can offer:
 *
 *     T2    Intel, from Skylake on           Skylake-Server-v4
 *     T2S   the same, hardened               Skylake-Server-v4 with spec-ctrl and ssbd
 *     T2CL  Intel, from Cascade Lake on      Cascadelake-Server-v3
 *     T2A   AMD, from Milan on               EPYC-Milan-v1
 *     V1N1  Arm Neoverse                     none: this host is x86-64
 */
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import type { CpuSpec, CpuTemplate } from '#machines/machine-spec.ts';
import type { Accelerator } from './accelerator-probe.ts';

const TEMPLATE_MODELS: Readonly<Record<CpuTemplate, string | undefined>> = {
  T2: 'Skylake-Server-v4',
  T2S: 'Skylake-Server-v4,spec-ctrl=on,ssbd=on',
  T2CL: 'Cascadelake-Server-v3',
  T2A: 'EPYC-Milan-v1',
  V1N1: undefined,
};

const FEATURE_NAME = /^[a-z0-9][a-z0-9_.-]{0,39}$/;
const SWITCHES: Readonly<Record<string, 'on' | 'off'>> = {
  on: 'on',
  true: 'on',
  enabled: 'on',
  '1': 'on',
  off: 'off',
  false: 'off',
  disabled: 'off',
  '0': 'off',
};

export function cpuModelArgument(cpu: CpuSpec, accelerator: Accelerator): string {
  const features = Object.entries(cpu.features).map(([name, value]) => {
    const field = `config.cpu.features[${JSON.stringify(name.slice(0, 40))}]`;
    if (!FEATURE_NAME.test(name)) throw invalidArgument(field, 'is not the name of a CPU feature');
    const setting = SWITCHES[value.toLowerCase()];
    if (setting === undefined) throw invalidArgument(field, 'must be "on" or "off"');
    return `${name}=${setting}`;
  });
  return [baseModel(cpu.template, accelerator), ...features].join(',');
}

function baseModel(template: CpuTemplate | undefined, accelerator: Accelerator): string {
  if (template === undefined) return accelerator === 'kvm' ? 'host' : 'max';
  const model = TEMPLATE_MODELS[template];
  if (model !== undefined) return model;
  throw new DroverError(
    'failed_precondition',
    `config.cpu.cpu_template: ${template} is for Arm processors; this host is x86-64`,
    { reason: 'CPU_TEMPLATE_UNAVAILABLE', metadata: { cpu_template: template } },
  );
}
