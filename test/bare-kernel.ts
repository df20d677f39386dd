/**
 * A kernel of thirty instructions for QEMU's microvm: it says a line on the serial port, powers off
 * when the ACPI power button is pressed, and does nothing else. For tests of what Drover does with
 * a machine, to which its guest is all one: an emulated processor starts it in no time, and Linux
 * in two seconds. What a guest does itself (disks, network, a panic) is for the demo image to show.
 *
 * It is started as PVH says: 32 bits, flat, without paging and without interrupts. The button is an
 * event of the Generic Event Device, which interrupts by pin 9 of the I/O APIC. All in one segment:
 *
 *     0x000 ELF header   0x0b0 note with the entry   0x100 code   0x1c0 interrupt handler
 *     0x1d0 segments     0x200 interrupt table       0x310 text
 */

export interface BareKernelOptions {
  readonly says: string;
  /** Halts for good instead, as a guest that hangs. */
  readonly isDeaf?: boolean;
}

const BASE = 0x10_0000;
const [NOTE, CODE, HANDLER, SEGMENTS, VECTORS, TEXT] = [0xb0, 0x100, 0x1c0, 0x1d0, 0x200, 0x310];
const STACK_BYTES = 4096;
/** Of XEN_ELFNOTE_PHYS32_ENTRY: where a PVH kernel begins. */
const ENTRY_NOTE = 18;
/** The local APIC's switch and its end of an interrupt; the I/O APIC's register and its value. */
const [APIC_SWITCH, APIC_END] = [0xfee0_00f0, 0xfee0_00b0];
const [PIN_REGISTER, PIN_VALUE] = [0xfec0_0000, 0xfec0_0010];
const PIN_9 = 0x10 + 9 * 2;
/** The first that is not the processor's own. */
const VECTOR = 0x20;
/** The Generic Event Device of microvm: what has happened, and the way to turn the machine off. */
const [GED_EVENTS, GED_SLEEP] = [0xfea0_0000, 0xfea0_0200];
const POWER_BUTTON = 2;
/** Sleep type 5 with the bit that makes it so. */
const SLEEP_S5 = (5 << 2) | 0x20;

export function makeBareKernel({ says, isDeaf = false }: BareKernelOptions): Buffer {
  const text = Buffer.from(`${says}\0`);
  const file = Buffer.alloc(TEXT + text.length);
  writeElf(file);
  file.set([...start(), ...(isDeaf ? HALT : awaitPowerButton())], CODE);
  file.set([...store(APIC_END, 0), 0xcf], HANDLER);
  // Nothing, code and data of 4 GiB, then where they are and where the interrupt table is.
  file.set([0xff, 0xff, 0, 0, 0, 0x9a, 0xcf, 0, 0xff, 0xff, 0, 0, 0, 0x92, 0xcf, 0], SEGMENTS + 8);
  file.set([0x17, 0, ...word(BASE + SEGMENTS)], SEGMENTS + 0x18);
  file.set([7, 1, ...word(BASE + VECTORS)], SEGMENTS + 0x20);
  const [low = 0, high = 0, ...rest] = word(BASE + HANDLER);
  file.set([low, high, 8, 0, 0, 0x8e, ...rest], VECTORS + VECTOR * 8);
  file.set(text, TEXT);
  return file;
}

/** Own segments and interrupts, then the text. */
function start(): number[] {
  const after = BASE + CODE + 14;
  return [
    ...[0x0f, 0x01, 0x15, ...word(BASE + SEGMENTS + 0x18)], // lgdt
    ...[0xea, ...word(after), 8, 0], // jmp 8:after
    ...[0x66, 0xb8, 0x10, 0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0], // ds, es and ss: 0x10
    ...[0xbc, ...word(BASE + TEXT + STACK_BYTES)], // mov esp
    ...[0x0f, 0x01, 0x1d, ...word(BASE + SEGMENTS + 0x20)], // lidt
    ...[store(APIC_SWITCH, 0x1ff), store(PIN_REGISTER, PIN_9), store(PIN_VALUE, VECTOR)].flat(),
    ...[0xbe, ...word(BASE + TEXT), 0x66, 0xba, 0xf8, 0x03], // mov esi,text; mov dx,0x3f8
    ...[0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8], // lodsb; until al is 0: out dx,al
  ];
}

/** hlt; again, should anything wake it. */
const HALT = [0xf4, 0xeb, 0xfd];

function awaitPowerButton(): number[] {
  return [
    ...[0xfa, 0xa1, ...word(GED_EVENTS)], // cli; mov eax,[events], which forgets them
    ...[0xa8, POWER_BUTTON, 0x74, 0x07], // test al; if it was pressed:
    ...[0xc6, 0x05, ...word(GED_SLEEP), SLEEP_S5], // mov byte [sleep]
    ...[0xfb, 0xf4, 0xeb, 0xeb], // sti; hlt; and look again
  ];
}

/** mov dword [address],value */
function store(address: number, value: number): number[] {
  return [0xc7, 0x05, ...word(address), ...word(value)];
}

function writeElf(file: Buffer): void {
  file.write('\u007fELF\u0002\u0001\u0001', 0, 'latin1');
  // An executable for x86-64, as QEMU wants it of any PVH kernel.
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(62, 18);
  file.writeUInt32LE(1, 20);
  file.writeUInt32LE(BASE + CODE, 24);
  file.writeUInt32LE(64, 32);
  [64, 56, 2].forEach((size, at) => file.writeUInt16LE(size, 52 + at * 2));
  writeSegment(file, 64, { type: 1, offset: 0, fileBytes: file.length, align: 4096 });
  writeSegment(file, 120, { type: 4, offset: NOTE, fileBytes: 24, align: 4 });
  file.set([...word(4), ...word(8), ...word(ENTRY_NOTE)], NOTE);
  file.write('Xen\0', NOTE + 12);
  file.writeUInt32LE(BASE + CODE, NOTE + 16);
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly fileBytes: number;
  readonly align: number;
}

function writeSegment(file: Buffer, at: number, segment: Segment): void {
  const { type, offset, fileBytes, align } = segment;
  file.writeUInt32LE(type, at);
  file.writeUInt32LE(7, at + 4);
  const memoryBytes = type === 1 ? fileBytes + STACK_BYTES : fileBytes;
  const fields = [offset, BASE + offset, BASE + offset, fileBytes, memoryBytes, align];
  fields.forEach((field, index) => file.writeUInt32LE(field, at + 8 + index * 8));
}

function word(value: number): number[] {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return [...bytes];
}
