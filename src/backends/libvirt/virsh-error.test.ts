import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { virshFailure } from './virsh-error.ts';

describe('virshFailure', () => {
  it('tells by the kind whether another attempt can help', () => {
    const connecting = 'failed to connect to the hypervisor\nerror: ';
    const socket = "Failed to connect socket to '/run/libvirt/libvirt-sock'";
    const said = {
      [`${connecting}${socket}: No such file or directory`]: 'unavailable',
      [`${connecting}Cannot recv data: ssh: connect to host h port 22: Connection refused`]:
        'unavailable',
      'End of file while reading data: Input/output error': 'unavailable',
      [`${connecting}${socket}: Permission denied`]: 'unauthenticated',
      [`${connecting}Cannot recv data: me@h: Permission denied (publickey).`]: 'unauthenticated',
      [`${connecting}authentication unavailable: no polkit agent available`]: 'unauthenticated',
      [`${connecting}Cannot recv data: Host key verification failed.`]: 'failed_precondition',
      'End of file while reading data: sh: 1: nc: not found': 'failed_precondition',
      "Cannot find 'ssh' in path: No such file or directory": 'failed_precondition',
      "operation failed: domain 'web' already exists with uuid 1": 'already_exists',
      "failed to get domain 'web'": 'not_found',
      "Storage pool not found: no storage pool with matching name 'x'": 'not_found',
      "volume 'web-0.raw' is still in use.": 'unavailable',
      'Logical volume vg/web-0.raw in use.': 'unavailable',
      'cannot fill file: No space left on device': 'resource_exhausted',
      'Failed to start domain\nerror: something new': 'failed_precondition',
      '': 'failed_precondition',
    };
    for (const [words, kind] of Object.entries(said)) {
      assert.equal(virshFailure('define', `error: ${words}\n`).kind, kind, words);
    }
  });

  it('picks from what ssh says of a changed key which it is, and where the old one is', () => {
    const box = '@'.repeat(59);
    const failure = virshFailure(
      'list',
      `error: failed to connect to the hypervisor
error: Cannot recv data: ${box}
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
${box}
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
It is also possible that a host key has just been changed.
The fingerprint for the ED25519 key sent by the remote host is
SHA256:CX3N.
Please contact your system administrator.
Offending ED25519 key in /var/lib/drover/.ssh/known_hosts:1
Host key verification failed.: Connection reset by peer
`,
    );
    assert.equal(failure.reason, 'SSH_HOST_KEY_CHANGED');
    const { remedy } = failure.metadata;
    assert.equal(
      failure.message,
      'libvirt, asked to list: The fingerprint for the ED25519 key sent by the remote host is: ' +
        `SHA256:CX3N.: Offending ED25519 key in /var/lib/drover/.ssh/known_hosts:1; ${remedy}`,
    );
  });

  it('repeats in one bounded line what libvirt said', () => {
    const failure = virshFailure('start', `error: Failed to start\nerror: ${'why '.repeat(500)}\n`);
    assert.match(failure.message, /^libvirt refused start: Failed to start: why why/);
    assert.ok(failure.message.length < 500);
    assert.match(virshFailure('start', '').message, /gave no reason/);
  });
});
