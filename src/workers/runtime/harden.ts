/**
 * Closes what Node's permission model leaves open to code in a member. It is a hurdle and no more:
 * whoever runs in a process can find a way past JavaScript that was replaced. The wall between
 * apps, and between apps and the host, is that members run as a user of their own.
 */
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

/** Signals to others, other identities, other programs, and reports that list what a host has. */
const CLOSED = [
  ...['kill', '_kill', '_debugProcess', '_debugEnd', 'abort', 'execve', 'chdir', 'dlopen'],
  ...['setuid', 'setgid', 'seteuid', 'setegid', 'setgroups', 'initgroups'],
];

export function hardenProcess(): void {
  for (const name of CLOSED) close(process, name, `process.${name}`);
  close(os, 'setPriority', 'os.setPriority');
  syncBuiltinESMExports();
  hide(process, 'report', undefined);
  // The command line names folders of the host.
  hide(process, 'argv', ['node']);
  hide(process, 'execArgv', []);
}

function close(owner: object, name: string, called: string): void {
  if (!Reflect.has(owner, name)) return;
  hide(owner, name, () => {
    const error = new Error(`${called} is not available to apps`);
    throw Object.assign(error, { code: 'ERR_ACCESS_DENIED' });
  });
}

function hide(owner: object, name: string, value: unknown): void {
  Object.defineProperty(owner, name, { value, writable: false, configurable: false });
}
