/** The rules of the house, read against every file. STYLE.md says why they are there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ERROR_KINDS } from '#kernel/errors.ts';
import { checkBannedUses } from './tidy/banned-uses.ts';
import {
  checkComments,
  checkFileShape,
  checkMachinePaths,
  checkMarkupText,
  compareNames,
  namesDocumentedIn,
} from './tidy/file-rules.ts';
import { checkImports, findFolderCycle } from './tidy/import-rules.ts';
import type { ImportTable } from './tidy/import-rules.ts';
import { ROOT, readSources } from './tidy/source-tree.ts';

const DOMAINS = [
  ...['events', 'access', 'machines', 'metrics', 'disks', 'jobs', 'schedules'],
  ...['webhooks', 'workers', 'transfers', 'fleet'],
];

/** Who may import whom under src/: this table is the architecture, and it lives only here. */
const IMPORTS: ImportTable = {
  kernel: [],
  events: ['kernel'],
  access: ['kernel'],
  machines: ['kernel', 'events', 'access'],
  metrics: ['kernel', 'events'],
  disks: ['kernel', 'events'],
  jobs: ['kernel', 'events'],
  schedules: ['kernel', 'events', 'jobs'],
  webhooks: ['kernel', 'events', 'jobs'],
  workers: ['kernel', 'events'],
  transfers: ['kernel', 'events', 'jobs', 'machines', 'disks', 'workers'],
  fleet: ['kernel', 'events', 'metrics', 'machines'],

  // A backend implements ports of the domain that owns them, and knows no other backend.
  'backends/qemu': ['kernel', 'machines'],
  'backends/network': ['kernel', 'machines'],
  'backends/fake': ['kernel', 'machines', 'workers'],
  'backends/host': ['kernel', 'events', 'metrics'],
  'backends/remote-write': ['kernel', 'metrics'],
  'backends/webhook-http': ['kernel', 'webhooks'],
  'backends/worker-process': ['kernel', 'workers'],
  'backends/worker-thread': ['kernel', 'workers'],
  'backends/app-egress': ['kernel', 'workers'],
  'backends/vsphere': ['kernel', 'disks', 'transfers'],
  'backends/disk-folder': ['kernel', 'disks', 'machines'],
  'backends/disk-copier': ['kernel', 'disks', 'transfers', 'workers'],
  'backends/files': ['kernel', 'disks', 'transfers'],
  'backends/libvirt': ['kernel', 'disks', 'transfers'],
  'backends/drover-target': ['kernel', 'access', 'machines', 'transfers'],
  'backends/drover-remote': ['kernel', 'access', 'machines', 'disks', 'transfers'],
  'backends/virt-v2v': ['kernel', 'transfers'],
  'backends/server-sources': ['kernel', 'fleet'],

  stores: ['kernel', ...DOMAINS],

  // The surfaces share edge/ and otherwise do not know of each other.
  'surfaces/edge': ['kernel', ...DOMAINS, 'gen'],
  'surfaces/*': ['kernel', ...DOMAINS, 'gen', 'surfaces/edge'],

  apps: ['*'],
};

const sources = readSources();

function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** What is committed, or would be. Files deleted but not yet committed are left out. */
function trackedFiles(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const names = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\0');
  return names.filter((name) => name !== '' && existsSync(join(ROOT, name)));
}

function expectNone(problems: readonly string[]): void {
  if (problems.length > 0) assert.fail(`\n${problems.join('\n')}\n`);
}

describe('the import table', () => {
  it('finds the sources to check', () => {
    assert.ok(sources.some((source) => source.path === 'src/kernel/errors.ts'));
  });

  it('is kept by every source file', () => {
    expectNone(sources.flatMap((source) => checkImports(source, IMPORTS)));
  });

  it('has no cycles', () => {
    assert.equal(findFolderCycle(IMPORTS)?.join(' imports '), undefined);
  });
});

describe('every source file', () => {
  it('takes time, chance, settings and signals as parameters', () => {
    expectNone(sources.flatMap(checkBannedUses));
  });

  it('is short, and named for what it holds', () => {
    expectNone(sources.flatMap(checkFileShape));
  });

  it('takes what people read from one place', () => {
    expectNone(sources.flatMap(checkMarkupText));
  });

  it('has nothing unfinished in its comments', () => {
    expectNone(sources.flatMap(checkComments));
  });
});

describe('every tracked file', () => {
  it('names no directory of one machine', () => {
    const files = trackedFiles().filter((path) => !path.startsWith('test/tidy/'));
    expectNone(files.flatMap((path) => checkMachinePaths(path, readText(path))));
  });

  it('leaves the choice of an npm registry to whoever installs', () => {
    assert.doesNotMatch(readText('package-lock.json'), /"resolved": "(?!file:)/);
    assert.doesNotMatch(readText('.npmrc'), /registry=/);
  });
});

describe('the documents', () => {
  it('explain every kind of error, and no other', () => {
    for (const part of readText('docs/errors.md').split('\n## Codes\n')) {
      expectNone(compareNames(ERROR_KINDS, namesDocumentedIn(part), 'docs/errors.md'));
    }
  });

  it('say why each dependency is there', () => {
    const manifest = JSON.parse(readText('package.json')) as Record<string, object>;
    const names = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((group) =>
      Object.keys(manifest[group] ?? {}),
    );
    const documented = namesDocumentedIn(readText('docs/dependencies.md'));
    expectNone(compareNames(names, documented, 'docs/dependencies.md'));
  });
});
