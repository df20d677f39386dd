/** Several files of tests in one process, each as a suite: its hooks are its own. */
import { describe } from 'node:test';
import { pathToFileURL } from 'node:url';

for (const file of process.argv.slice(2)) {
  void describe(file, async () => {
    await import(pathToFileURL(file).href);
  });
}
