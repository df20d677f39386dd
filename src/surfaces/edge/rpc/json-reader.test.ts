import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toJson } from '@bufbuild/protobuf';
import type { DescMessage } from '@bufbuild/protobuf';
import { ServerReflectionRequestSchema } from '#gen/grpc/reflection/v1/reflection_pb.js';
import { ConsoleResponseSchema, WatchRequestSchema } from '#gen/drover/v1/machines_pb.js';
import {
  CreateVmRequestSchema,
  ListVmsRequestSchema,
  ShutdownVmRequestSchema,
  VmMetricsSchema,
  VmState,
} from '#gen/vmprovisioner/v1/vm_pb.js';
import { DroverError } from '#kernel/errors.ts';
import { createJsonReader } from './json-reader.ts';

function read<Desc extends DescMessage>(desc: Desc, text: string) {
  return createJsonReader(desc)(Buffer.from(text));
}

function refusal(desc: DescMessage, text: string | Uint8Array): DroverError {
  try {
    createJsonReader(desc)(Buffer.from(text));
  } catch (thrown) {
    assert.ok(thrown instanceof DroverError);
    assert.equal(thrown.kind, 'invalid_argument');
    return thrown;
  }
  return assert.fail(`accepted ${String(text)}`);
}

const DOCUMENTED = {
  vm_id: 'web-1',
  config: {
    cpu: { vcpu_count: 2, cpu_template: 'T2' },
    memory: { size_bytes: 1073741824 },
    boot: {
      kernel_path: '/assets/vmlinux-5.10',
      kernel_args: 'console=ttyS0 reboot=k panic=1',
      initrd_path: '/assets/initrd',
    },
    storage: [
      {
        device_id: 'rootfs',
        path_on_host: '/assets/rootfs.ext4',
        is_read_only: false,
        is_root_device: true,
      },
    ],
    network: [
      {
        interface_id: 'eth0',
        type: 'TAP',
        guest_mac: 'auto',
        rate_limit: {
          bandwidth_bytes_per_second: 104857600,
          burst_bytes: 1048576,
          refill_time_millis: 100,
        },
        guest_ipv4: { address: '192.168.1.100', prefix_length: 24 },
      },
    ],
    console: { type: 'VIRTIO_CONSOLE', output_file: '/tmp/vm-console.log' },
    metadata: { name: 'my-vm', project: 'test' },
  },
  customer_id: 'customer-123',
};

function toCamel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toCamel);
  if (typeof value !== 'object' || value === null) return value;
  const camel = (name: string) =>
    name.replaceAll(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase());
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [camel(k), toCamel(v)]));
}

describe('reading documented JSON', () => {
  it('reads the documented CreateVm example whole', () => {
    const message = read(CreateVmRequestSchema, JSON.stringify(DOCUMENTED));
    assert.equal(message.config?.memory?.sizeBytes, 1073741824n);
    assert.equal(message.config?.storage[0]?.isReadOnly, false);
    assert.equal(message.config?.network[0]?.rateLimit?.burstBytes, 1048576n);
    assert.deepEqual(message.config?.metadata, { name: 'my-vm', project: 'test' });
  });

  it('reads lowerCamelCase as the same message', () => {
    const snake = read(CreateVmRequestSchema, JSON.stringify(DOCUMENTED));
    const camel = read(CreateVmRequestSchema, JSON.stringify(toCamel(DOCUMENTED)));
    assert.deepEqual(camel, snake);
  });

  it('reads what protobuf itself writes as JSON', () => {
    const message = read(CreateVmRequestSchema, JSON.stringify(DOCUMENTED));
    const canonical = JSON.stringify(toJson(CreateVmRequestSchema, message));
    assert.deepEqual(read(CreateVmRequestSchema, canonical), message);
  });

  it('takes null for a field that is left out', () => {
    assert.deepEqual(
      read(CreateVmRequestSchema, '{"vm_id":null,"config":null}'),
      read(CreateVmRequestSchema, '{}'),
    );
  });

  it('tells an optional field that is zero from one that is absent', () => {
    assert.equal(read(WatchRequestSchema, '{}').afterEventId, undefined);
    assert.equal(read(WatchRequestSchema, '{"after_event_id":0}').afterEventId, 0n);
  });

  for (const [json, value] of [
    ['12', 12n],
    ['"12"', 12n],
    ['12.0', 12n],
    ['1e3', 1000n],
    ['"18446744073709551615"', 18446744073709551615n],
  ] as const) {
    it(`takes ${json} for a 64-bit integer`, () => {
      assert.equal(read(WatchRequestSchema, `{"after_event_id":${json}}`).afterEventId, value);
    });
  }

  it('reads enums by name and by number', () => {
    const { stateFilter } = read(ListVmsRequestSchema, '{"state_filter":["VM_STATE_RUNNING",3]}');
    assert.deepEqual(stateFilter, [VmState.RUNNING, VmState.PAUSED]);
  });

  it('reads doubles from numbers, strings and the names of the odd ones', () => {
    for (const [json, value] of [
      ['1.5', 1.5],
      ['"1.5e1"', 15],
      ['"-Infinity"', -Infinity],
    ]) {
      const text = `{"cpu_usage_percent":${json}}`;
      assert.equal(read(VmMetricsSchema, text).cpuUsagePercent, value);
    }
  });

  it('reads bytes in both alphabets of base64', () => {
    for (const text of ['+/8=', '-_8']) {
      const { data } = read(ConsoleResponseSchema, JSON.stringify({ data: text }));
      assert.deepEqual([...data], [251, 255]);
    }
  });

  it('reads one member of a oneof and refuses a second', () => {
    const one = read(ServerReflectionRequestSchema, '{"list_services":"*"}');
    assert.deepEqual(one.messageRequest, { case: 'listServices', value: '*' });
    const two = refusal(
      ServerReflectionRequestSchema,
      '{"list_services":"*","file_by_filename":"a"}',
    );
    assert.match(two.message, /^file_by_filename: only one of/);
  });
});

describe('refusing JSON', () => {
  const config = (inner: string) => `{"config":{${inner}}}`;
  for (const [text, message] of [
    [
      config('"cpu":{"vcpu_cuont":2}'),
      'config.cpu.vcpu_cuont: unknown field; did you mean vcpu_count?',
    ],
    [
      config('"cpu":{"vcpuCuont":2}'),
      'config.cpu.vcpuCuont: unknown field; did you mean vcpuCount?',
    ],
    [config('"zzzzzzzz":1'), 'config.zzzzzzzz: unknown field'],
    [
      config('"cpu":{"vcpu_count":"two"}'),
      'config.cpu.vcpu_count: expected a whole number, got a string',
    ],
    [
      config('"cpu":{"vcpu_count":1.5}'),
      'config.cpu.vcpu_count: expected a whole number, got the number 1.5',
    ],
    [
      config('"cpu":{"vcpu_count":2147483648}'),
      'config.cpu.vcpu_count: expected a whole number from -2147483648 to 2147483647',
    ],
    [
      config('"memory":{"size_bytes":9007199254740993}'),
      'config.memory.size_bytes: a number beyond 2^53 loses digits in JSON; write it as a string',
    ],
    [
      config('"memory":{"size_bytes":"9223372036854775808"}'),
      /^config\.memory\.size_bytes: expected a whole number from/,
    ],
    [
      config('"memory":{"size_bytes":""}'),
      'config.memory.size_bytes: expected a whole number, got an empty string',
    ],
    [
      config('"memory":{"hotplug_enabled":"true"}'),
      'config.memory.hotplug_enabled: expected true or false, got a string',
    ],
    [config('"memory":[]'), 'config.memory: expected an object, got a list'],
    [config('"storage":{}'), 'config.storage: expected a list, got an object'],
    [
      config('"storage":[{},{"path":7}]'),
      'config.storage[1].path: expected a string, got the number 7',
    ],
    [config('"storage":[null]'), 'config.storage[0]: expected an object, got null'],
    [config('"metadata":{"a":1}'), 'config.metadata.a: expected a string, got the number 1'],
    [
      config('"metadata":{"odd key":true}'),
      'config.metadata["odd key"]: expected a string, got true',
    ],
    [config('"metadata":{"a":null}'), 'config.metadata.a: expected a string, got null'],
    ['{"vm_id":"a","vmId":"b"}', 'vmId: given a second time as vm_id; send one of the two'],
    [String.raw`{"vm_id":"\ud800"}`, 'vm_id: not valid Unicode'],
    ['[]', 'the request body: expected an object, got a list'],
    ['null', 'the request body: expected an object, got null'],
    ['', 'the request body is empty; send a JSON object, {} at least'],
    ['{"vm_id"', /^the request body is not valid JSON: /],
  ] as const) {
    it(`says why ${text === '' ? 'an empty body' : text} is wrong`, () => {
      const error = refusal(CreateVmRequestSchema, text);
      if (typeof message === 'string') assert.equal(error.message, message);
      else assert.match(error.message, message);
    });
  }

  it('names the field again in the metadata, for programs', () => {
    const error = refusal(CreateVmRequestSchema, config('"cpu":{"vcpu_count":true}'));
    assert.equal(error.reason, 'INVALID_FIELD');
    assert.equal(error.metadata['field'], 'config.cpu.vcpu_count');
  });

  it('lists the values of an enum', () => {
    const error = refusal(ListVmsRequestSchema, '{"state_filter":["RUNNING"]}');
    assert.match(
      error.message,
      /^state_filter\[0\]: expected one of VM_STATE_UNSPECIFIED, VM_STATE_/,
    );
    assert.match(
      refusal(ListVmsRequestSchema, '{"state_filter":[9]}').message,
      /^state_filter\[0\]/,
    );
  });

  it('refuses bytes that are not UTF-8, and keeps the character that is', () => {
    const error = refusal(CreateVmRequestSchema, Buffer.from('7b22766d5f6964223a22ff227d', 'hex'));
    assert.equal(error.message, 'the request body is not valid UTF-8');
    assert.equal(read(CreateVmRequestSchema, '{"vm_id":"ü"}').vmId, 'ü');
  });

  it('takes no harm from the names of prototypes', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const error = refusal(CreateVmRequestSchema, `{"${name}":{"vm_id":"x"}}`);
      assert.equal(error.message, `${name}: unknown field`);
    }
    const text = config('"metadata":{"__proto__":"p","constructor":"c"}');
    const metadata = read(CreateVmRequestSchema, text).config?.metadata ?? {};
    assert.deepEqual(Object.entries(metadata), [
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ]);
    assert.equal(Object.getPrototypeOf(metadata), Object.prototype);
    assert.equal(Object.getPrototypeOf({}), Object.prototype);
  });

  it('refuses a million levels at the first that the schema does not know', () => {
    const levels = 1_000_000;
    const deep = `${'['.repeat(levels)}${']'.repeat(levels)}`;
    assert.match(refusal(CreateVmRequestSchema, `{"config":${deep}}`).message, /^config: expected/);
  });

  it('cuts what it repeats of a long name', () => {
    const error = refusal(CreateVmRequestSchema, `{"${'x'.repeat(100_000)}":1}`);
    assert.ok(error.message.length < 200);
  });
});

describe('shutdown timeouts', () => {
  it('may be strings, as protobuf allows for every integer', () => {
    assert.equal(read(ShutdownVmRequestSchema, '{"timeout_seconds":"30"}').timeoutSeconds, 30);
  });
});
