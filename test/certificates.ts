/** Throw-away certificates, made by openssl in a directory of their own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface TestCertificates {
  readonly ca: KeyPair;
  /** For localhost, 127.0.0.1 and ::1. */
  readonly server: KeyPair;
  readonly client: KeyPair;
  /** A client certificate of an authority nobody knows. */
  readonly strangerClient: KeyPair;
}

export function createTestCertificates(): TestCertificates {
  const directory = mkdtempSync(join(tmpdir(), 'drover-certs-'));
  try {
    const ca = selfSigned(directory, 'ca');
    selfSigned(directory, 'stranger');
    return {
      ca,
      server: signed(directory, 'server', 'ca'),
      client: signed(directory, 'client', 'ca'),
      strangerClient: signed(directory, 'outsider', 'stranger'),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];

function openssl(directory: string, args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
}

function selfSigned(directory: string, name: string): KeyPair {
  const output = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
  openssl(directory, ['req', '-x509', ...KEY, ...output, '-days', '2', '-subj', `/CN=${name}`]);
  return readPair(directory, name);
}

function signed(directory: string, name: string, by: string): KeyPair {
  const request = ['-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`];
  openssl(directory, ['req', ...KEY, ...request]);
  writeFileSync(
    join(directory, `${name}.ext`),
    'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n',
  );
  const authority = ['-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-CAcreateserial'];
  openssl(directory, [
    ...['x509', '-req', '-in', `${name}.csr`, ...authority],
    ...['-out', `${name}.crt`, '-days', '2', '-extfile', `${name}.ext`],
  ]);
  return readPair(directory, name);
}

function readPair(directory: string, name: string): KeyPair {
  return {
    cert: readFileSync(join(directory, `${name}.crt`), 'utf8'),
    key: readFileSync(join(directory, `${name}.key`), 'utf8'),
  };
}
