/** The smallest guest there is: 512 bytes that the BIOS runs, with a serial port to write to. */
import { writeFile } from 'node:fs/promises';

const BOOT_DISK_BYTES = 1024 * 1024;

/** Writes the text at 0x7c00 + `textAt` to the first serial port. */
function printText(textAt: number): number[] {
  return [
    ...[0xfc, 0x31, 0xc0, 0x8e, 0xd8], // cld; xor ax,ax; mov ds,ax
    ...[0xba, 0xf8, 0x03], // mov dx,0x3f8
    ...[0xbe, textAt, 0x7c], // mov si,text
    ...[0xac, 0x08, 0xc0, 0x74, 0x03], // next: lodsb; or al,al; jz done
    ...[0xee, 0xeb, 0xf8], // out dx,al; jmp next
  ];
}

const HALT = [0xf4, 0xeb, 0xfd]; // halt: hlt; jmp halt
/** Sleep state 5 by the port that a q35 machine has for it. */
const POWER_OFF = [0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef]; // mov dx,0x604; mov ax,0x2000; out

export interface BootDiskOptions {
  readonly says: string;
  /** What it does then: it stands still unless told otherwise. */
  readonly atEnd?: 'powers off' | 'says it again';
}

export async function writeBootDisk(path: string, options: BootDiskOptions): Promise<void> {
  const { says, atEnd } = options;
  const end = [...(atEnd === 'powers off' ? POWER_OFF : []), ...HALT];
  const printing = printText(printText(0).length + end.length);
  const again = [0xe9, (-printing.length - 3) & 0xff, 0xff]; // jmp to the beginning
  if (atEnd === 'says it again') end.splice(0, again.length, ...again);
  const code = [...printing, ...end];
  const disk = Buffer.alloc(BOOT_DISK_BYTES);
  Buffer.from(code).copy(disk);
  disk.write(`${says}\r\n\0`, code.length, 400, 'latin1');
  disk.writeUInt16LE(0xaa55, 510);
  await writeFile(path, disk);
}
