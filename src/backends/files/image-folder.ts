/** Which files of a folder are VMs: packages, and images that belong to no package. */
import { opendir } from 'node:fs/promises';
import { unreadablePackage } from './package-error.ts';

const MOST_FILES = 10_000;
const MOST_PACKAGES = 1000;
const PACKAGE = /\.(?:ova|ovf|vmdk|qcow2|raw|img)$/i;
/** Parts of a VMDK, which its descriptor names. */
const EXTENT = /-(?:flat|delta|sesparse|ctk|rdmp?|[sf]\d{3})\.vmdk$/i;

/** In alphabetical order. Links are left out: nobody knows where they lead tomorrow. */
export async function listImages(
  directory: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found: string[] = [];
  let seen = 0;
  for await (const entry of await opendir(directory)) {
    signal.throwIfAborted();
    seen += 1;
    const { name } = entry;
    const isPackage = PACKAGE.test(name) && !EXTENT.test(name) && !/\p{Cc}/u.test(name);
    if (entry.isFile() && isPackage) found.push(name);
    if (seen > MOST_FILES || found.length > MOST_PACKAGES) {
      throw unreadablePackage(
        `the folder has over ${MOST_PACKAGES} images or ${MOST_FILES} files; name one of them`,
      );
    }
  }
  return found.toSorted();
}
