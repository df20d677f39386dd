/** Builds the vSphere of the tests, which takes half a minute, unless it is there already. */
import { buildSimulator } from '#test/vsphere/simulator-program.ts';

await buildSimulator();
