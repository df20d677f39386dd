/**
 * Makes a disk boot Linux by BIOS from any controller the BIOS can read, with no boot loader but
 * this: its first sector loads what `bootArea` puts behind it, and jumps.
 *
 *   sector 0     the code, where it is to put what, and the partition table
 *   1 to 127     the kernel's real-mode part, to 0x10000; at 57344 of it the kernel's arguments
 *   from 128     the kernel, to 1 MiB, and the initrd, to 112 MiB, each in steps of 32 KiB
 */
const SECTOR = 512;
const SETUP_SECTORS = 127;
const STEP = 32 * 1024;
const INITRD_ADDRESS = 0x700_0000;
/** In the real-mode part and in its segment alike: behind the heap, where the stack begins. */
const ARGUMENTS_OFFSET = 0xe000;
const PARTITION_TABLE = 0x1be;
/** How many steps the kernel and the initrd take. */
const KERNEL_STEPS = 0x184;
const INITRD_STEPS = 0x18a;

const CODE = [
  ...['fa 31c0 8ed8 8ec0 8ed0 bc007c fb fc'], // segments 0, the stack below this code
  ...['8816927c'], // mov [drive],dl
  ...['e86600'], // call read: the real-mode part
  ...['c706427d4000 c706467d0020 c706487d8000'], // packet: 64 sectors to 2000:0, from 128
  ...['bf807d'], // mov di,parts
  ...['e84e00'], // part: call read
  ...['668b05 a36a7d 66c1e810 a26c7d 88266f7d'], // the target's address into the descriptor
  ...['be507d b90040 b487 cd15 723f'], // int 15h, ah=87h: move 32 KiB; jc fail
  ...['668306487d40 66810500800000'], // the next 64 sectors, 32 KiB further up
  ...['ff4d04 75ce'], // dec word [di+4]; jnz part
  ...['83c706 837d0400 75c5'], // the next part, unless it is the end
  ...['fa b80010 8ed8 8ec0 8ee0 8ee8 8ed0 bc00e0'], // segments and stack as Linux wants them
  ...['ea00002010'], // jmp 1020:0
  ...['be407d 8a16927c b442 cd13 7201 c3'], // read: int 13h, ah=42h; jc fail; ret
  ...['baf803 b021 ee f4 ebf7'], // fail: "!" to the first serial port; hlt
];
/** At 0x140: length, sectors, offset and segment, first sector. */
const PACKET = '1000 7f00 0000 0010 01000000 00000000';
/** At 0x150: descriptors of what is moved from (0x20000) and to. */
const MOVE = '00'.repeat(16) + 'ffff0000 02930000 ffff0000 00930000';
/** At 0x180: addresses, and steps that are filled in. */
const PARTS = '00001000 0000 00000007 0000 00000000 0000';

export interface BootableKernel {
  /** A bzImage. */
  readonly kernel: Buffer;
  readonly initrd: Buffer;
  readonly args: string;
}

/** Sectors 0 and on of a disk with one partition. */
export function bootArea(
  { kernel, initrd, args }: BootableKernel,
  partition: { readonly sector: number; readonly sectors: number },
): Buffer {
  const setupLength = ((kernel[0x1f1] ?? 0) + 1) * SECTOR;
  const setup = Buffer.alloc(SETUP_SECTORS * SECTOR);
  kernel.copy(setup, 0, 0, setupLength);
  // What a loader is to fill in, as the kernel's documentation of its boot protocol says.
  setup.writeUInt8(0xff, 0x210);
  setup.writeUInt8(setup.readUInt8(0x211) | 0x80, 0x211);
  setup.writeUInt32LE(INITRD_ADDRESS, 0x218);
  setup.writeUInt32LE(initrd.length, 0x21c);
  setup.writeUInt16LE(ARGUMENTS_OFFSET - 0x200, 0x224);
  setup.writeUInt32LE(0x1_0000 + ARGUMENTS_OFFSET, 0x228);
  setup.write(`${args}\0`, ARGUMENTS_OFFSET);

  const kernelSteps = inSteps(kernel.subarray(setupLength));
  const initrdSteps = inSteps(initrd);
  const sector = Buffer.alloc(SECTOR);
  fromHex(CODE.join('')).copy(sector);
  fromHex(PACKET).copy(sector, 0x140);
  fromHex(MOVE).copy(sector, 0x150);
  fromHex(PARTS).copy(sector, 0x180);
  sector.writeUInt16LE(kernelSteps.length / STEP, KERNEL_STEPS);
  sector.writeUInt16LE(initrdSteps.length / STEP, INITRD_STEPS);
  // Active, of Linux, and too far up for cylinders and heads to say where.
  fromHex('80 feffff 83 feffff').copy(sector, PARTITION_TABLE);
  sector.writeUInt32LE(partition.sector, PARTITION_TABLE + 8);
  sector.writeUInt32LE(partition.sectors, PARTITION_TABLE + 12);
  sector.writeUInt16LE(0xaa55, SECTOR - 2);

  const area = Buffer.concat([sector, setup, kernelSteps, initrdSteps]);
  if (area.length > partition.sector * SECTOR) throw new Error('the boot area is too large');
  return area;
}

function inSteps(content: Buffer): Buffer {
  const steps = Math.ceil(content.length / STEP);
  return Buffer.concat([content, Buffer.alloc(steps * STEP - content.length)]);
}

function fromHex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}
