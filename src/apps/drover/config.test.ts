import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { DroverError } from '#kernel/errors.ts';
import { GIB, MIB } from '#kernel/units.ts';
import { defaultConfigPath, parseConfig } from './config.ts';
import { parseConfigDocument } from './config-document.ts';
import type { FlagValue } from './config-reader.ts';
import { ALL_SETTINGS } from './config-settings.ts';
import type { Environment } from './env.ts';

const ENV: Environment = {
  variables: {},
  currentDir: '/cur',
  homeDir: '/homes/ada',
  dataHome: undefined,
  configHome: undefined,
  hostname: 'host-1',
  isRoot: false,
  wantsColour: false,
  govc: {},
  session: {},
};
const FILE = '/etc/drover/drover.yaml';

interface Input {
  readonly flags?: Readonly<Record<string, FlagValue>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly file?: string;
}

function parse({ flags = {}, variables = {}, file }: Input) {
  return parseConfig({
    flags: new Map(Object.entries(flags)),
    env: { ...ENV, variables },
    ...(file === undefined ? {} : { file: parseConfigDocument({ path: FILE, text: file }) }),
  });
}

function refusal(input: Input): string {
  try {
    parse(input);
  } catch (thrown) {
    assert.ok(thrown instanceof DroverError);
    assert.equal(thrown.kind, 'invalid_argument');
    return thrown.message;
  }
  return assert.fail('it was accepted');
}

describe('parseConfig', () => {
  it('needs nothing: the defaults are a whole configuration', () => {
    const { config, secrets } = parse({});
    assert.equal(config.host, '127.0.0.1');
    assert.equal(config.port, 8080);
    assert.equal(config.dataDir, '/homes/ada/.local/share/drover');
    assert.equal(secrets.databaseUrl, 'sqlite:/homes/ada/.local/share/drover/drover.db');
    assert.deepEqual(config.images.directories, ['/homes/ada/.local/share/drover/images']);
    assert.deepEqual(config.auth, { mode: 'dev', jwt: undefined });
    assert.deepEqual(config.quota, {
      maxMachines: 100,
      maxVcpus: 200,
      maxMemoryMib: 256 * 1024,
    });
    assert.equal(config.tls, undefined);
  });

  it('takes a flag over a variable, a variable over the file, the file over the default', () => {
    const file = 'port: 1003\nlogLevel: warn\ndrainMs: 5\n';
    const variables = { DROVER_PORT: '1002', DROVER_LOG_LEVEL: 'error' };
    const { config, inForce } = parse({ flags: { port: '1001' }, variables, file });
    assert.equal(config.port, 1001);
    assert.equal(config.logLevel, 'error');
    assert.equal(config.drainMs, 5);
    const sources = new Map(inForce.map(({ setting, source }) => [setting.key, source]));
    assert.equal(sources.get('port'), '--port');
    assert.equal(sources.get('logLevel'), 'DROVER_LOG_LEVEL');
    assert.equal(sources.get('drainMs'), `${FILE} line 3`);
    assert.equal(sources.get('host'), 'default');
  });

  it('reads relative paths from the folder of the file, or from the current one', () => {
    const { config, secrets } = parse({
      flags: { data: 'here' },
      file: 'database: sqlite:x.db\nimages: {directories: [pictures, ~/more]}\n',
    });
    assert.equal(config.dataDir, '/cur/here');
    assert.equal(secrets.databaseUrl, 'sqlite:/etc/drover/x.db');
    assert.deepEqual(config.images.directories, ['/etc/drover/pictures', '/homes/ada/more']);
  });

  it('puts the data of root and the files of XDG where they belong', () => {
    const root = parseConfig({ flags: new Map(), env: { ...ENV, isRoot: true } });
    assert.equal(root.config.dataDir, '/var/lib/drover');
    const xdg = { ...ENV, dataHome: '/xdg/data', configHome: '/xdg/config' };
    const { config } = parseConfig({ flags: new Map(), env: xdg });
    assert.equal(config.dataDir, '/xdg/data/drover');
    assert.equal(defaultConfigPath(xdg), '/xdg/config/drover/drover.yaml');
    assert.equal(defaultConfigPath(ENV), '/homes/ada/.config/drover/drover.yaml');
    assert.equal(defaultConfigPath({ ...ENV, isRoot: true }), '/etc/drover/drover.yaml');
  });

  it('reads sizes, shares, lists and ports by surface', () => {
    const { config } = parse({
      flags: { listen: ['vm-service=8081'], 'console-max-bytes': '2MiB' },
      variables: { DROVER_NETWORK_DNS: '9.9.9.9, 2620:fe::fe', DROVER_CAPACITY_MEMORY: '48G' },
      file: 'quotas: {machines: unlimited, memory: 1TiB}\nnetwork: {ipv6Subnet: none}\n',
    });
    assert.deepEqual(config.listeners, [{ surface: 'vm-service', port: 8081 }]);
    assert.equal(config.console.maxBytes, 2 * MIB);
    assert.deepEqual(config.network.dns, ['9.9.9.9', '2620:fe::fe']);
    assert.deepEqual(config.capacity.memory, { kind: 'size', bytes: 48 * GIB });
    assert.deepEqual(config.quota.maxMachines, Infinity);
    assert.equal(config.quota.maxMemoryMib, 1024 * 1024);
    assert.equal(config.network.ipv6Subnet, undefined);
    assert.deepEqual(parse({ file: 'capacity: {memory: 0.5}' }).config.capacity.memory, {
      kind: 'share',
      share: 0.5,
    });
  });

  it('turns a switch off as well as on', () => {
    assert.equal(
      parse({ flags: { 'network-masquerade': 'false' } }).config.network.masquerade,
      false,
    );
    assert.equal(parse({ flags: { insecure: true } }).config.insecure, true);
    assert.equal(parse({ variables: { DROVER_INSECURE: '1' } }).config.insecure, true);
  });

  it('passes over a section whose keys are all commented out', () => {
    assert.equal(parse({ file: 'tls:\n#  cert: x\nport: 1\n' }).config.port, 1);
    assert.equal(parse({ file: '' }).config.port, 8080);
  });

  it('passes over what Kubernetes sets for a service called drover', () => {
    const variables = {
      DROVER_PORT: 'tcp://10.0.0.7:8080',
      DROVER_SERVICE_HOST: '10.0.0.7',
      DROVER_PORT_8080_TCP_ADDR: '10.0.0.7',
    };
    assert.equal(parse({ variables }).config.port, 8080);
  });
});

/** What is wrong, and the whole text about it. */
const REFUSALS: readonly (readonly [string, Input, string])[] = [
  [
    'a port that is none',
    { flags: { port: 'http' } },
    'port (--port): must be a whole number from 0 to 65535, not "http"',
  ],
  [
    'a port that is too high, in a variable',
    { variables: { DROVER_PORT: '65536' } },
    'port (DROVER_PORT): must be a whole number from 0 to 65535, not "65536"',
  ],
  [
    'a fraction, in the file',
    { file: '\nport: 80.5' },
    `port (${FILE} line 2): must be a whole number from 0 to 65535, not 80.5`,
  ],
  [
    'a setting without a value',
    { file: 'port:' },
    `port (${FILE} line 1): must be a whole number from 0 to 65535, not nothing`,
  ],
  [
    'an unknown level',
    { variables: { DROVER_LOG_LEVEL: 'loud' } },
    'logLevel (DROVER_LOG_LEVEL): must be one of debug, info, warn, error, silent, not "loud"',
  ],
  [
    'an unknown key',
    { file: 'netwrok: {}' },
    `netwrok (${FILE} line 1): is no setting; did you mean network?`,
  ],
  [
    'an unknown key in a section',
    { file: 'network:\n  brigde: x' },
    `network.brigde (${FILE} line 2): is no setting; did you mean bridge?`,
  ],
  [
    'a key of another section',
    { file: 'clientCa: x' },
    `clientCa (${FILE} line 1): is no setting; did you mean tls.clientCa?`,
  ],
  [
    'a key that is like no other',
    { file: 'tls: {zzz: 1}' },
    `tls.zzz (${FILE} line 1): is no setting; known here: cert, key, clientCa`,
  ],
  [
    'a section that is a value',
    { file: 'auth: yes' },
    `auth (${FILE} line 1): must be a map, with mode, jwt`,
  ],
  [
    'a file that is a list',
    { file: '- port' },
    `config (${FILE}): must be a map, with ${topLevelKeys().join(', ')}`,
  ],
  [
    'a key given twice',
    { file: 'port: 1\nport: 2\n' },
    `config (${FILE} line 2): must be YAML: Map keys must be unique`,
  ],
  [
    'an unknown variable',
    { variables: { DROVER_PROT: '1' } },
    'DROVER_PROT (environment): is no setting; did you mean DROVER_PORT?',
  ],
  [
    'a server that is none, with the place in it',
    { file: 'servers: [{id: a, sources: [{kind: local}]}, {id: b, surces: []}]\n' },
    `servers (${FILE} line 1): servers[1]."surces": is unknown; did you mean sources?; ` +
      'servers[1].sources: must be a list of 1 to 8 sources',
  ],
  [
    'a surface this version does not serve',
    { flags: { listen: ['fleets=8082'] } },
    'listeners (--listen): must be a port for each surface, such as vm-service=8081 ' +
      '(known: vm-service, vm-metrics, pool-metrics, migration, fleet), not ["fleets=8082"]',
  ],
  [
    'a listener on the port of the gateway',
    { flags: { listen: ['vm-service=8080'] } },
    'listeners (--listen): port 8080 of vm-service is that of the gateway already',
  ],
  [
    'a certificate without its key',
    { flags: { 'tls-cert': 'a.pem' } },
    'tls.cert (--tls-cert): needs tls.key beside it',
  ],
  [
    'client certificates without TLS',
    { flags: { 'tls-client-ca': 'ca.pem' } },
    'tls.clientCa (--tls-client-ca): needs tls.cert and tls.key beside it',
  ],
  [
    'a subnet without room for guests',
    { flags: { 'network-ipv4-subnet': '10.0.0.0/31' } },
    'network.ipv4Subnet (--network-ipv4-subnet): must be an IPv4 subnet with room for guests, ' +
      'such as 10.90.0.0/16, not "10.0.0.0/31"',
  ],
  [
    'a password in a flag',
    { flags: { database: 'postgres://u:hunter2@db/drover' } },
    'database (--database): must hold no password here, where every user of this host can read ' +
      'it; put it into DROVER_DATABASE or the config file',
  ],
  [
    'a database of another kind, without repeating it',
    { variables: { DROVER_DATABASE: 'mysql://u:hunter2@db/x' } },
    'database (DROVER_DATABASE): must be postgres://USER@HOST/NAME or sqlite:PATH',
  ],
  [
    'dev tokens where others can reach them',
    { flags: { host: '0.0.0.0' } },
    'host (--host): 0.0.0.0 can be reached by others, and dev tokens would let all of them in; ' +
      'set auth.mode to token (`drover token create` makes one) or configure auth.jwt, or say ' +
      '--insecure',
  ],
  [
    'JWTs of nobody',
    {
      flags: {
        'auth-mode': 'jwt',
        'auth-jwt-audience': 'drover',
        'auth-jwt-jwks-url': 'https://i/k',
      },
    },
    'auth.jwt.issuer (not set): is needed to accept JWTs',
  ],
  [
    'keys from two places',
    {
      flags: {
        'auth-jwt-issuer': 'i',
        'auth-jwt-audience': 'drover',
        'auth-jwt-jwks-url': 'https://i/k',
        'auth-jwt-public-key-file': 'k.pem',
      },
    },
    'auth.jwt.publicKeyFile (--auth-jwt-public-key-file): contradicts auth.jwt.jwksUrl; keep ' +
      'one of the two',
  ],
  [
    'keys over a line that others can change',
    {
      flags: {
        'auth-jwt-issuer': 'i',
        'auth-jwt-audience': 'drover',
        'auth-jwt-jwks-url': 'http://issuer/keys',
      },
    },
    'auth.jwt.jwksUrl (--auth-jwt-jwks-url): must be https: whoever changes the keys on the way ' +
      'gets in',
  ],
];

function topLevelKeys(): string[] {
  return [...new Set(ALL_SETTINGS.map(({ key }) => key.split('.')[0] ?? ''))];
}

describe('parseConfig refuses', () => {
  for (const [title, input, text] of REFUSALS) {
    it(title, () => {
      assert.equal(refusal(input), `a setting is wrong: ${text}`);
    });
  }

  it('everything that is wrong at once, also what something else wins over', () => {
    const text = refusal({
      flags: { port: '1' },
      variables: { DROVER_PORT: 'x', DROVER_HOST: '' },
      file: 'port: y\nfoo: 1\n',
    });
    assert.match(text, /^4 settings are wrong:\n/);
    for (const part of ['foo (', 'host (DROVER_HOST)', 'port (DROVER_PORT)', `port (${FILE}`]) {
      assert.ok(text.includes(`\n  ${part}`), `${part} in ${text}`);
    }
  });
});

describe('which tokens are accepted', () => {
  const jwt = {
    'auth-jwt-issuer': 'https://issuer',
    'auth-jwt-audience': 'drover',
    'auth-jwt-jwks-url': 'https://issuer/keys',
  };
  const mode = (flags: Readonly<Record<string, FlagValue>>) => parse({ flags }).config.auth.mode;

  it('dev ones by default on loopback only', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost']) {
      assert.equal(mode({ host }), 'dev', host);
    }
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'drover.example', '128.0.0.1']) {
      assert.match(refusal({ flags: { host } }), /can be reached by others/, host);
    }
  });

  it('dev ones anywhere with --insecure', () => {
    assert.equal(mode({ host: '0.0.0.0', insecure: true }), 'dev');
  });

  it('not dev ones as soon as JWTs are configured, on loopback too', () => {
    assert.equal(mode(jwt), 'jwt');
    assert.equal(mode({ ...jwt, host: '0.0.0.0' }), 'jwt');
    assert.equal(mode({ ...jwt, 'auth-mode': 'dev' }), 'dev');
  });

  it('API tokens alone when told so', () => {
    assert.equal(mode({ host: '0.0.0.0', 'auth-mode': 'token' }), 'token');
    assert.match(refusal({ flags: { ...jwt, 'auth-mode': 'token' } }), /has no effect while/);
  });
});
