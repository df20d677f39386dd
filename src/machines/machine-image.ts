/** What operators offer all customers to make machines of. */
export interface MachineImage {
  readonly name: string;
  readonly description: string;
  readonly builtAt: number | undefined;
  /** Of all its files together. */
  readonly sizeBytes: number;
  /** The `config` of a CreateVm request; its paths begin with `/assets/`. */
  readonly config: Readonly<Record<string, unknown>>;
}
