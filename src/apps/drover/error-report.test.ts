import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

import { DroverError, ERROR_KINDS } from '#kernel/errors.ts';
import { usageError } from './command-line.ts';
import { reportError } from './error-report.ts';
import { EXIT_CODES } from './exit-codes.ts';

const PLAIN = { asJson: false };

describe('exit codes', () => {
  it('exist for every kind of error, and never say that all went well', () => {
    for (const kind of ERROR_KINDS) {
      const { exitCode } = reportError(new DroverError(kind, 'x'), PLAIN);
      assert.equal(exitCode, EXIT_CODES[kind]);
      assert.ok(exitCode > 0 && exitCode < 256, kind);
    }
  });

  it('are those the page about the command line promises', () => {
    const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
    for (const kind of ERROR_KINDS) {
      const row = page.split('\n').find((line) => new RegExp(`^\\|.*\`${kind}\``).test(line));
      assert.equal(Number(row?.split('|')[1]), EXIT_CODES[kind], kind);
    }
  });
});

describe('reportError', () => {
  it('says what is wrong, and what to do next where that is known', () => {
    const unreachable = new DroverError('unavailable', 'cannot reach it', {
      reason: 'SERVER_UNREACHABLE',
    });
    assert.equal(
      reportError(unreachable, PLAIN).text,
      'drover: cannot reach it\n' +
        '  is `drover up` running? --server URL or DROVER_SERVER says where\n',
    );
    assert.equal(
      reportError(usageError('no', 'drover vm --help'), PLAIN).text,
      'drover: no\n  see drover vm --help\n',
    );
    assert.equal(reportError(new DroverError('aborted', 'no'), PLAIN).text, 'drover: no\n');
  });

  it('is one line of JSON when JSON was asked for', () => {
    const error = new DroverError('not_found', 'no "x"\nhere', {
      reason: 'VM_NOT_FOUND',
      metadata: { vm_id: 'x' },
    });
    const { text } = reportError(error, { asJson: true });
    assert.equal(text.split('\n').length, 2);
    assert.deepEqual(JSON.parse(text), {
      error: {
        kind: 'not_found',
        reason: 'VM_NOT_FOUND',
        message: 'no "x"\nhere',
        metadata: { vm_id: 'x' },
        hint: 'see drover vm list',
        exit_code: 3,
      },
    });
  });

  it('is silent to who pressed Ctrl-C, but not in JSON', () => {
    const interrupted = new DroverError('cancelled', 'interrupted');
    assert.deepEqual(reportError(interrupted, PLAIN), { exitCode: 130, text: '' });
    assert.match(reportError(interrupted, { asJson: true }).text, /"cancelled"/);
  });

  it('shows what was behind a failure nobody foresaw', () => {
    const { exitCode, text } = reportError(new TypeError('x is undefined'), PLAIN);
    assert.equal(exitCode, 1);
    assert.equal(text, 'drover: this should not happen: x is undefined\n');
  });
});
