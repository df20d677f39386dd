/** The fields of a new machine. */
import { useEffect, useMemo, useState } from 'react';
import type { VmInfo } from '#gen/vmprovisioner/v1/vm_pb.js';
import { NumberField } from '#web/components/NumberField.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { MACHINES } from '#web/text/machines.ts';
import { sizesOf, useImages } from './create-image.ts';
import type { CreateForm, FormErrors } from './create-request.ts';
import { useAbilities, useOwnDisks } from './machine-queries.ts';

const { create } = MACHINES;
const MOST_SUGGESTIONS = 200;
const SETTLED_MS = 400;

export interface CreateFieldsProps {
  readonly form: CreateForm;
  readonly errors: FormErrors;
  readonly machines: readonly VmInfo[];
  readonly onChange: (changes: Partial<CreateForm>) => void;
}

export function CreateFields({ form, errors, machines, onChange }: CreateFieldsProps) {
  const customers = useMemo(() => unique(machines.map((vm) => vm.customerId)), [machines]);
  return (
    <div className="form">
      {form.customer !== undefined && (
        <TextField
          label={create.customer}
          hint={create.customerHint}
          value={form.customer}
          error={errors.customer}
          suggestions={customers}
          onChange={(customer) => onChange({ customer })}
        />
      )}
      <TextField
        label={create.name}
        hint={create.nameHint}
        value={form.name}
        error={errors.name}
        isFirst
        onChange={(name) => onChange({ name })}
      />
      <SelectField
        label={create.network}
        value={form.network}
        error={errors.network}
        choices={(['auto', 'ipv4', 'ipv6', 'none'] as const).map((value) => ({
          value,
          title: create.networks[value],
        }))}
        onChange={(network) => onChange({ network })}
      />
      <NumberField
        label={create.vcpus}
        min={1}
        max={32}
        value={form.vcpus}
        error={errors.vcpus}
        onChange={(vcpus) => onChange({ vcpus })}
      />
      <NumberField
        label={create.memory}
        unit="MiB"
        min={128}
        step={128}
        value={form.memoryMib}
        error={errors.memoryMib}
        onChange={(memoryMib) => onChange({ memoryMib })}
      />
      <ImageField {...{ form, errors, machines, onChange }} />
      {form.image === undefined && <BootFields {...{ form, errors, machines, onChange }} />}
    </div>
  );
}

/** Where operators offer images. */
function ImageField({ form, errors, onChange }: CreateFieldsProps) {
  const { data } = useImages();
  const images = data?.images ?? [];
  if (images.length === 0) return null;
  return (
    <SelectField
      label={create.image}
      hint={form.image?.description}
      value={form.image?.name ?? ''}
      error={errors.image}
      choices={[
        { value: '', title: create.noImage },
        ...images.map(({ name }) => ({ value: name, title: create.imageOf(name) })),
      ]}
      onChange={(name) => {
        const image = images.find((each) => each.name === name);
        onChange({ image, ...(image !== undefined && sizesOf(image)) });
      }}
    />
  );
}

function BootFields({ form, errors, machines, onChange }: CreateFieldsProps) {
  const customer = useSettled(form.customer?.trim());
  const { data: abilities } = useAbilities(customer);
  const disks = useDiskPaths(customer, machines);
  const hasUefi = abilities?.firmware.includes('uefi') ?? true;
  return (
    <>
      <SelectField
        label={create.start}
        value={form.start}
        error={errors.start}
        choices={[
          { value: 'bios', title: create.starts.bios },
          {
            value: 'uefi',
            title: hasUefi ? create.starts.uefi : create.noUefi,
            disabled: !hasUefi,
          },
          { value: 'kernel', title: create.starts.kernel },
        ]}
        onChange={(start) => onChange({ start })}
      />
      <div className="wide-field">
        <TextField
          label={create.disk}
          hint={create.diskHint}
          placeholder={create.diskExample}
          value={form.disk}
          error={errors.disk}
          suggestions={disks}
          onChange={(disk) => onChange({ disk })}
        />
      </div>
      {form.disk.includes('/customers/') && (
        <SelectField
          label={create.write}
          value={form.write}
          error={errors.write}
          choices={[
            { value: 'overlay', title: create.writes.overlay },
            { value: 'direct', title: create.writes.direct },
          ]}
          onChange={(write) => onChange({ write })}
        />
      )}
      {form.start === 'kernel' && <KernelFields {...{ form, errors, machines, onChange }} />}
    </>
  );
}

function KernelFields({ form, errors, machines, onChange }: CreateFieldsProps) {
  const kernels = useMemo(
    () => unique(machines.map((vm) => vm.config?.boot?.kernelPath ?? '')),
    [machines],
  );
  return (
    <>
      <TextField
        label={create.kernel}
        hint={create.kernelHint}
        value={form.kernel}
        error={errors.kernel}
        suggestions={kernels}
        onChange={(kernel) => onChange({ kernel })}
      />
      <TextField
        label={create.initrd}
        value={form.initrd}
        error={errors.initrd}
        onChange={(initrd) => onChange({ initrd })}
      />
      <TextField
        label={create.args}
        hint={create.argsHint}
        value={form.args}
        error={errors.args}
        onChange={(args) => onChange({ args })}
      />
    </>
  );
}

/** What was typed, once typing has paused. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** Those that the customer brought, and those that machines began from. */
function useDiskPaths(customer: string | undefined, machines: readonly VmInfo[]) {
  const { data } = useOwnDisks(customer);
  return useMemo(() => {
    const own = data?.disks.map(({ path }) => path ?? '') ?? [];
    const used = machines.map((vm) => rootPath(vm));
    return unique([...own, ...used]);
  }, [data, machines]);
}

function rootPath({ config }: VmInfo): string {
  return config?.storage.find(({ isRootDevice }) => isRootDevice)?.path ?? '';
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].filter((text) => text !== '').slice(0, MOST_SUGGESTIONS);
}
