import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { parseLibvirtUri } from './libvirt-uri.ts';

function refusalOf(text: string): string {
  try {
    parseLibvirtUri(text);
  } catch (thrown) {
    if (thrown instanceof DroverError && thrown.kind === 'invalid_argument') return thrown.message;
    throw thrown;
  }
  return 'taken';
}

describe('parseLibvirtUri', () => {
  it('takes the daemon here, one behind a socket, and one behind ssh', () => {
    const taken = [
      ['qemu:///system', 'qemu:///system', true],
      ['qemu:///session', 'qemu:///session', true],
      [
        'qemu+unix:///session?socket=/run/x/libvirt-sock',
        'qemu+unix:///session?socket=/run/x/libvirt-sock',
        true,
      ],
      ['qemu+ssh://host/system', 'qemu+ssh://host/system?no_tty=1', false],
      [
        'qemu+ssh://me@host.example:2222/system?keyfile=/etc/drover/id',
        'qemu+ssh://me@host.example:2222/system?keyfile=/etc/drover/id&no_tty=1',
        false,
      ],
      ['qemu+ssh://[2001:db8::1]/system', 'qemu+ssh://[2001:db8::1]/system?no_tty=1', false],
      ['qemu+ssh://host/system?no_tty=0', 'qemu+ssh://host/system?no_tty=1', false],
    ] as const;
    for (const [given, text, isLocal] of taken) {
      const uri = parseLibvirtUri(given);
      assert.deepEqual({ text: uri.text, isLocal: uri.isLocal }, { text, isLocal });
    }
  });

  it('refuses what would run programs, skip a check, or reach other hypervisors', () => {
    const refused = [
      'qemu+ssh://host/system?command=/tmp/x',
      'qemu+ssh://host/system?netcat=/tmp/x',
      'qemu+ssh://host/system?no_verify=1',
      'qemu+ext:///system?command=/tmp/x',
      'qemu:///system?command=/tmp/x',
      'qemu+ssh://host/system?socket=/run/$(id)',
      'qemu+ssh://host/system?socket=/run/x&socket=/run/y',
      'qemu+ssh://host/system?keyfile=../id',
      'qemu+ssh://host/system?keyfile=/etc/../id',
      'qemu+ssh://-oProxyCommand=id/system',
      'qemu+ssh://-oProxyCommand=id@host/system',
      'qemu+ssh://a b@host/system',
      'qemu+ssh:///system',
      'qemu+tcp://host/system',
      'qemu://host/system',
      'qemu:///embed?root=/x',
      'qemu:///system#x',
      'esx://host/',
      'test:///default',
      'qemu',
      '',
      `qemu:///system?socket=/${'a'.repeat(2000)}`,
    ];
    assert.deepEqual(
      refused.filter((text) => refusalOf(text) === 'taken'),
      [],
    );
  });

  it('refuses a password without repeating it', () => {
    const refusal = refusalOf('qemu+ssh://me:hunter2@host/system');
    assert.match(refusal, /^libvirt_uri: must hold no password/);
    assert.doesNotMatch(refusal, /hunter2/);
    assert.doesNotMatch(refusalOf('qemu+ssh//me:hunter2@host/system'), /hunter2/);
  });
});
