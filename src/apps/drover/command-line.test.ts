import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { DroverError } from '#kernel/errors.ts';
import { parseCommandLine } from './command-line.ts';
import { loadAllCommands } from './commands.ts';
import { nearest } from '#kernel/nearest.ts';

const COMMANDS = await loadAllCommands();

function parse(line: string) {
  return parseCommandLine(
    line.split(' ').filter((word) => word !== ''),
    COMMANDS,
  );
}

function run(line: string) {
  const parsed = parse(line);
  assert.ok(parsed.kind === 'run', `${line} is ${parsed.kind}`);
  return parsed;
}

describe('parseCommandLine', () => {
  it('finds commands of one word and of two', () => {
    assert.equal(run('up --port 9000').command.name, 'up');
    assert.equal(run('vm create demo').command.name, 'vm create');
    assert.deepEqual(run('vm create demo').words, ['demo']);
  });

  it('reads options in any order, short ones and those with = too', () => {
    const { words, options } = run('vm console vm_1 -f --tail=20 --server http://h:1');
    assert.deepEqual(words, ['vm_1']);
    assert.equal(options.flag('follow'), true);
    assert.equal(options.whole('tail', { least: 0, most: 99 }), 20);
    assert.equal(options.text('server'), 'http://h:1');
  });

  it('gathers options that may be given several times', () => {
    assert.deepEqual(run('up --listen vm-service=1 --listen x=2').options.list('listen'), [
      'vm-service=1',
      'x=2',
    ]);
  });

  it('hands on as settings only those options that are settings', () => {
    const { options } = run('vm create demo --name x --data /d --insecure=false'.slice(0, -17));
    assert.deepEqual([...options.settings()], [['data', '/d']]);
    const up = run('up --network-masquerade=false --insecure').options;
    assert.deepEqual(
      [...up.settings()],
      [
        ['network-masquerade', 'false'],
        ['insecure', true],
      ],
    );
  });

  it('takes words that look like options behind --', () => {
    assert.deepEqual(run('vm info -- --odd').words, ['--odd']);
  });

  it('shows help wherever it is asked for', () => {
    assert.deepEqual(parse(''), { kind: 'help', topic: [] });
    assert.deepEqual(parse('--help'), { kind: 'help', topic: [] });
    assert.deepEqual(parse('help vm run'), { kind: 'help', topic: ['vm', 'run'] });
    assert.deepEqual(parse('vm --help'), { kind: 'help', topic: ['vm'] });
    assert.deepEqual(parse('vm run --nonsense --help'), { kind: 'help', topic: ['vm', 'run'] });
    assert.deepEqual(parse('-V'), { kind: 'version' });
  });
});

const REFUSALS: readonly (readonly [string, string])[] = [
  ['upp', 'there is no command upp; did you mean up?'],
  ['list', 'there is no command list; did you mean vm list?'],
  ['frobnicate', 'there is no command frobnicate'],
  ['image', 'image needs one of build, list'],
  ['vm lst', 'vm has no command lst; did you mean list?'],
  ['--json vm list', '--json: options come after the command'],
  ['vm list --sate running', 'vm list has no option --sate; did you mean --state?'],
  ['vm list --toString', 'vm list has no option --toString'],
  ['vm list -x', 'vm list has no option -x'],
  ['vm list --limit', '--limit needs a value'],
  ['vm list --limit=', '--limit needs a value'],
  ['vm create demo --name --rm', '--name needs a value; if it is --rm, write --name=--rm'],
  ['vm list --all=yes', '--all takes no value'],
  ['vm info', 'vm info needs ID'],
  ['vm info a b', 'vm info takes ID; "b" is too much'],
  ['up now', 'up takes nothing; "now" is too much'],
];

describe('parseCommandLine refuses', () => {
  for (const [line, message] of REFUSALS) {
    it(`drover ${line}`, () => {
      assert.throws(
        () => parse(line),
        (thrown) => {
          assert.ok(thrown instanceof DroverError);
          assert.equal(thrown.message, message);
          assert.equal(thrown.reason, 'USAGE');
          return true;
        },
      );
    });
  }

  it('numbers that are none, when the command asks for them', () => {
    const { options } = run('vm create demo --vcpus two');
    assert.throws(() => options.whole('vcpus', { least: 1, most: 32 }), {
      message: '--vcpus: must be a whole number from 1 to 32, not "two"',
    });
  });
});

describe('nearest', () => {
  it('forgives a slip, and does not guess', () => {
    assert.equal(nearest('lsit', ['list', 'info']), 'list');
    assert.equal(nearest('LIST', ['list']), 'list');
    assert.equal(nearest('vm', ['up', 'config']), undefined);
    assert.equal(nearest('shutdwon', ['shutdown', 'boot']), 'shutdown');
  });
});
