import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { createLogger } from './logger.ts';
import { isSecretName, redactPath, redactText } from './redaction.ts';

describe('a log record', () => {
  it('shows an error with its kind, reason, facts and causes', () => {
    const { log, records } = createLogCapture();
    const cause = new TypeError('no route', { cause: new Error('cable cut') });
    const err = new DroverError('unavailable', 'the host does not answer', {
      reason: 'HOST_DOWN',
      metadata: { host: 'h1' },
      context: { port: 22, tries: [1, 2] },
      cause,
    });
    log.warn({ err }, 'failed');
    const [record] = records();
    assert.ok(record);
    const { causes, ...shown } = record['err'] as Record<string, unknown>;
    assert.deepEqual(shown, {
      type: 'DroverError',
      message: 'the host does not answer',
      kind: 'unavailable',
      reason: 'HOST_DOWN',
      metadata: { host: 'h1' },
      context: { port: 22, tries: [1, 2] },
    });
    const messages = (causes as { readonly message: string }[]).map(({ message }) => message);
    assert.deepEqual(messages, ['no route', 'cable cut']);
  });

  it('survives causes that go round in a circle and values that are not errors', () => {
    const { log, records } = createLogCapture();
    const circle = new Error('circle');
    circle.cause = circle;
    log.error({ err: circle }, 'one');
    log.error({ err: 'just text' }, 'two');
    assert.equal(records().length, 2);
  });

  it('is below the level left out', () => {
    const { log, records } = createLogCapture('warn');
    log.info('not this');
    log.warn('but this');
    assert.deepEqual(
      records().map(({ msg }) => msg),
      ['but this'],
    );
  });

  it('can be one readable line, which nobody can forge or colour', () => {
    const lines: string[] = [];
    const log = createLogger({
      level: 'info',
      pretty: true,
      destination: { write: (line) => void lines.push(line) },
    });
    log.info({ path: '/x y\n00:00:00.000 ERROR forged\u001b[31m', status: 200 }, 'request');
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /^\d\d:\d\d:\d\d\.\d{3} INFO {2}request path="\/x y.* status=200\n$/,
    );
    assert.doesNotMatch(lines[0] ?? '', /\u001b/);
  });
});

describe('redaction', () => {
  for (const text of [
    'Authorization: Bearer s3cret-value',
    'postgres://drover:s3cret-value@db/drover',
    'refused drover_tok_0123456789ab_s3cret-value',
    'login with password=s3cret-value&x=1',
    '{"client_secret":"s3cret-value"}',
    'x-api-key: s3cret-value',
  ]) {
    it(`takes the secret out of ${JSON.stringify(text)}`, () => {
      assert.doesNotMatch(redactText(text), /s3cret/);
    });
  }

  it('leaves ordinary text as it is', () => {
    for (const text of [
      'machine vm_1 took 5 s to boot',
      'page_token=abc',
      'http://127.0.0.1:8080/v1/vms',
      'tokens are listed by drover token list',
    ]) {
      assert.equal(redactText(text), text);
    }
  });

  it('knows secrets by name, however they are written', () => {
    for (const name of ['password', 'vcenter_password', 'apiKey', 'API-KEY', 'Set-Cookie']) {
      assert.ok(isSecretName(name), name);
    }
    for (const name of ['page_token', 'tokenizer', 'keyboard', 'path', 'secretary']) {
      assert.ok(!isSecretName(name), name);
    }
  });

  it('keeps what a query asks for and drops what it must not show', () => {
    assert.equal(
      redactPath('/v1/vms?state=RUNNING&token=abc&%70assword=abc&flag'),
      '/v1/vms?state=RUNNING&token=[redacted]&%70assword=[redacted]&flag',
    );
  });

  const passwords = ['s3cret', 's3:cret', 's3/cret', 's3@cret', 's3 cret', 's3#?cret', 's3%cret'];
  for (const before of ['https://u:', 'u:', ':', 'https:u:', 'https:\\\\u:', 'qemu+ssh://u:']) {
    it(`takes the password out of an address in a query that begins with ${before}`, () => {
      for (const address of passwords.map((password) => `${before}${password}@vc.test/sdk`)) {
        const spellings = [
          ...[encodeURIComponent(address), encodeURIComponent(encodeURIComponent(address))],
          ...[`${encodeURIComponent(address)}%zz`, `%ff${encodeURIComponent(address)}`],
          ...[address.replaceAll(/[\s?#&]/g, encodeURIComponent), encodeAll(address)],
          encodeURIComponent(address).replaceAll('%20', '+'),
        ];
        for (const spelling of spellings) {
          for (const path of [
            `/vms/list?x=1&vcenter_url=${spelling}&y=2`,
            `/vms/list?x=1&${spelling}&y=2`,
          ]) {
            const shown = redactPath(path);
            assert.doesNotMatch(shown, /s3|cret(?!.*redacted)/, `${path} → ${shown}`);
            assert.match(shown, /^\/vms\/list\?x=1&.*&y=2$/);
          }
        }
      }
    });
  }

  it('takes it out of a path, of a long query and of what is encoded within a value', () => {
    for (const path of [
      '/connections/u:s3cret@vc.test/test',
      `/vms/list?vcenter_url=${'x'.repeat(4090)}https://u:s3cret@vc`,
      `/vms/list?vcenter_url=u%3As3cret${'x'.repeat(5000)}%40vc`,
      '/vms/list?source%5Bpassword%5D=s3cret&x=1',
      '/x?url=https%3A%2F%2Fvc%2F%3Fpassword%3Ds3cret',
    ]) {
      assert.doesNotMatch(redactPath(path), /s3cret/, path);
    }
  });

  it('leaves ordinary requests as they are', () => {
    for (const path of [
      '/vms/list?vcenter_url=https%3A%2F%2Fvc.test%3A8443%2Fsdk&username=ada%40lab.test',
      '/vms/list?pattern=DC0%2Fvm%2F*',
      '/vms/list?vcenter_url=[2001:db8::1]:443',
      '/jobs/query?status=failed,pending&vm_path=a+b',
      '/a%20b/%ff',
    ]) {
      assert.equal(redactPath(path), path);
    }
  });
});

function encodeAll(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}
