import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';

import { bashCompletion, zshCompletion } from './completion-script.ts';
import { loadAllCommands } from './commands.ts';
import { overviewText, topicText } from './help-text.ts';

const COMMANDS = await loadAllCommands();

describe('help', () => {
  it('names every command once in the overview, in lines that fit', () => {
    const lines = overviewText(COMMANDS).split('\n');
    for (const { name, summary } of COMMANDS) {
      const found = lines.filter((line) => line.startsWith(`  ${name}`) && line.endsWith(summary));
      assert.equal(found.length, 1, name);
    }
    assert.deepEqual(
      lines.filter((line) => line.length > 100),
      [],
    );
  });

  it('explains every command and each of its options', () => {
    for (const command of COMMANDS) {
      const text = topicText(command.name.split(' '), COMMANDS) ?? '';
      assert.ok(text.includes(`Usage: drover ${command.name}`), command.name);
      for (const name of Object.keys(command.options)) {
        assert.ok(text.includes(`--${name}`), `${command.name} --${name}`);
      }
      assert.deepEqual(
        text.split('\n').filter((line) => line.length > 100),
        [],
      );
    }
  });

  it('lists the commands of a group, and knows no others', () => {
    assert.match(topicText(['token'], COMMANDS) ?? '', /token revoke ID/);
    assert.equal(topicText(['nothing'], COMMANDS), undefined);
  });

  it('gives no command two options of one letter', () => {
    for (const { name, options } of COMMANDS) {
      const shorts = Object.values(options).flatMap(({ short }) => short ?? []);
      assert.equal(new Set(shorts).size, shorts.length, name);
    }
  });
});

/** What bash offers for a line whose last word is being typed. */
function complete(line: string): Promise<string[]> {
  const words = line.split(' ');
  const script = [
    bashCompletion(COMMANDS),
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})`,
    `COMP_CWORD=${words.length - 1}`,
    '_drover',
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join('\n');
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  execFile('bash', ['--norc', '-c', script], (error, stdout) => {
    if (error) reject(error);
    else resolve(stdout.split('\n').filter((word) => word !== ''));
  });
  return promise;
}

describe('completions', () => {
  it('offer commands, then their second words', async () => {
    assert.deepEqual(await complete('drover vm co'), ['console']);
    assert.deepEqual(await complete('drover co'), ['config', 'connections', 'completion']);
    assert.ok((await complete('drover vm ')).includes('shutdown'));
  });

  it('offer options, and the values that are known', async () => {
    assert.deepEqual(await complete('drover vm list --st'), ['--state']);
    assert.deepEqual(await complete('drover vm list --state r'), ['running']);
    assert.deepEqual(await complete('drover up --log-level w'), ['warn']);
    assert.deepEqual(await complete('drover image build d'), ['demo']);
  });

  it('are a script that bash reads without a complaint', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const bash = execFile('bash', ['-n'], (_error, _stdout, stderr) => resolve(stderr));
    bash.stdin?.end(bashCompletion(COMMANDS));
    assert.equal(await promise, '');
  });

  it('are for zsh the same commands and options, every quote closed', () => {
    const script = zshCompletion(COMMANDS);
    for (const { name } of COMMANDS) assert.ok(script.includes(`'${name}')`), name);
    assert.match(script, /'--state:Only these\.'/);
    assert.equal(script.replaceAll(`'\\''`, '').split("'").length % 2, 1);
  });
});
