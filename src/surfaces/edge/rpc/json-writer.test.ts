import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ScalarType, create, fromJson, toBinary } from '@bufbuild/protobuf';
import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { ConsoleResponseSchema, WatchResponseSchema } from '#gen/drover/v1/machines_pb.js';
import { StatusSchema } from '#gen/google/rpc/status_pb.js';
import { ServerReflectionResponseSchema } from '#gen/grpc/reflection/v1/reflection_pb.js';
import {
  CreateVmRequestSchema,
  DeleteVmResponseSchema,
  GetVmInfoResponseSchema,
  ListVmsResponseSchema,
  VmState,
} from '#gen/vmprovisioner/v1/vm_pb.js';
import { createJsonReader } from './json-reader.ts';
import { createJsonWriter } from './json-writer.ts';

describe('writing documented JSON', () => {
  it('gives every field its place, set or not', () => {
    const text = createJsonWriter(ListVmsResponseSchema)(create(ListVmsResponseSchema));
    assert.equal(text, '{"vms":[],"next_page_token":"","total_count":0}');
    const success = createJsonWriter(DeleteVmResponseSchema)(create(DeleteVmResponseSchema));
    assert.equal(success, '{"success":false}');
  });

  it('leaves out messages and optional fields that are not set', () => {
    const message = create(GetVmInfoResponseSchema, { config: { cpu: { vcpuCount: 1 } } });
    const json = JSON.parse(createJsonWriter(GetVmInfoResponseSchema)(message));
    assert.deepEqual(json.config.cpu, { vcpu_count: 1, max_vcpu_count: 0, features: {} });
    assert.equal('memory' in json.config, false);
  });

  it('writes null for a message that the answer itself lacks', () => {
    const message = create(GetVmInfoResponseSchema);
    const text = createJsonWriter(GetVmInfoResponseSchema)(message);
    assert.equal(JSON.parse(text).metrics, null);
    assert.deepEqual(fromJson(GetVmInfoResponseSchema, JSON.parse(text)), message);
  });

  it('writes 64-bit integers as numbers, enums by name and bytes as base64', () => {
    const watch = create(WatchResponseSchema, { eventId: 2n ** 53n - 1n, state: VmState.PAUSED });
    const json = JSON.parse(createJsonWriter(WatchResponseSchema)(watch));
    assert.equal(json.event_id, Number.MAX_SAFE_INTEGER);
    assert.equal(json.state, 'VM_STATE_PAUSED');
    const console = create(ConsoleResponseSchema, { data: new Uint8Array([251, 255]) });
    assert.equal(JSON.parse(createJsonWriter(ConsoleResponseSchema)(console)).data, '+/8=');
  });

  it('keeps the number of an enum value that it does not know', () => {
    const watch = create(WatchResponseSchema, { state: 99 as VmState });
    assert.equal(JSON.parse(createJsonWriter(WatchResponseSchema)(watch)).state, 99);
  });

  it('escapes whatever JSON needs escaped', () => {
    const write = createJsonWriter(CreateVmRequestSchema);
    for (const vmId of ['"', '\\', '\n\u0000\u001f', '\u007f\u2028', '😀', '</script>', '\ud800']) {
      const json = JSON.parse(write(create(CreateVmRequestSchema, { vmId })));
      assert.equal(json.vm_id, vmId);
    }
    const metadata = { 'a"b': '"', __proto__x: 'y' };
    const message = create(CreateVmRequestSchema, { config: { metadata } });
    assert.deepEqual(JSON.parse(write(message)).config.metadata, metadata);
  });

  it("writes protobuf's own types in the form that protobuf gives them", () => {
    const text = createJsonWriter(StatusSchema)(create(StatusSchema, { code: 5, message: 'no' }));
    assert.deepEqual(JSON.parse(text), { code: 5, message: 'no', details: [] });
  });
});

// A small generator of pseudo-random numbers, so that a failing round can be run again.
function createDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

const TEXTS = ['', 'plain', 'quo"te', 'back\\slash', 'ünïcode 😀', '__proto__', '\n\t\u0001', '0'];

function randomScalar(type: ScalarType, dice: (sides: number) => number): unknown {
  switch (type) {
    case ScalarType.STRING:
      return TEXTS[dice(TEXTS.length)];
    case ScalarType.BOOL:
      return dice(2) === 1;
    case ScalarType.BYTES:
      return Uint8Array.from({ length: dice(5) }, () => dice(256));
    case ScalarType.DOUBLE:
      return [0, 0.1, -1.5e300, 5e-324, Infinity][dice(5)];
    case ScalarType.INT64:
      return BigInt(dice(2) === 1 ? dice(2 ** 31) * 2 ** 20 : -dice(2 ** 31));
    case ScalarType.UINT64:
      return BigInt(dice(2 ** 31)) * 1024n;
    default:
      return dice(2 ** 31) * (dice(2) === 1 ? 1 : -1);
  }
}

function randomValue(field: DescField, dice: (sides: number) => number): unknown {
  if (field.message !== undefined) return randomMessage(field.message, dice);
  if (field.enum !== undefined) return field.enum.values[dice(field.enum.values.length)]?.number;
  return randomScalar(field.scalar ?? ScalarType.STRING, dice);
}

function randomMessage(desc: DescMessage, dice: (sides: number) => number): Message {
  const message = create(desc) as Message & Record<string, unknown>;
  for (const field of desc.fields) {
    if (dice(3) === 0) continue;
    if (field.oneof !== undefined) {
      message[field.oneof.localName] = { case: field.localName, value: randomValue(field, dice) };
    } else if (field.fieldKind === 'list') {
      message[field.localName] = Array.from({ length: dice(3) }, () => randomValue(field, dice));
    } else if (field.fieldKind === 'map') {
      const entries = Array.from({ length: dice(3) }, () => [
        TEXTS[dice(TEXTS.length)],
        randomValue(field, dice),
      ]);
      message[field.localName] = Object.fromEntries(entries);
    } else {
      message[field.localName] = randomValue(field, dice);
    }
  }
  return message;
}

describe('writing and reading again', () => {
  const schemas: readonly DescMessage[] = [
    CreateVmRequestSchema,
    GetVmInfoResponseSchema,
    ListVmsResponseSchema,
    WatchResponseSchema,
    ServerReflectionResponseSchema,
  ];
  for (const desc of schemas) {
    it(`gives the same ${desc.name} for 300 random ones`, () => {
      const write = createJsonWriter(desc);
      const read = createJsonReader(desc);
      for (let seed = 1; seed <= 300; seed += 1) {
        const message = randomMessage(desc, createDice(seed));
        const text = write(message);
        const again = read(Buffer.from(text));
        assert.deepEqual(toBinary(desc, again), toBinary(desc, message), `seed ${seed}: ${text}`);
      }
    });
  }
});
