import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { AppResponse } from './web-response.ts';

type ResponseClass = typeof Response;
type Make = (Class: ResponseClass) => Response;

const bytes = Buffer.from('{"a":1}');
const form = () => {
  const data = new FormData();
  data.set('field', 'value');
  return data;
};

const MAKERS: Readonly<Record<string, Make>> = {
  nothing: (Class) => new Class(),
  undefined: (Class) => new Class(undefined),
  text: (Class) => new Class('grüße'),
  'empty text': (Class) => new Class(''),
  'a lone surrogate': (Class) => new Class('a\uD800b'),
  'text with a type': (Class) => new Class('x', { headers: { 'Content-Type': 'text/css' } }),
  'text with a status': (Class) => new Class('no', { status: 404, statusText: 'Not Here' }),
  'many cookies': (Class) =>
    new Class('x', {
      headers: [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2; Path=/'],
      ],
    }),
  bytes: (Class) => new Class(bytes),
  'an ArrayBuffer': (Class) => new Class(new Uint8Array(bytes).buffer),
  'shared memory': (Class) => new Class(new Uint8Array(new SharedArrayBuffer(1))),
  'a Float64Array': (Class) => new Class(new Float64Array([1])),
  'a Blob': (Class) => new Class(new Blob(['{}'], { type: 'application/json' })),
  'search parameters': (Class) => new Class(new URLSearchParams({ a: '1 2' })),
  json: (Class) => Class.json({ a: [1, 'ü'] }),
  'json with a type': (Class) => Class.json(1, { headers: { 'content-type': 'a/b' }, status: 201 }),
  'a redirect': (Class) => Class.redirect('http://localhost/x', 307),
  'an error': (Class) => Class.error(),
  'no content': (Class) => new Class(null, { status: 204 }),
  'a number': (Class) => Reflect.construct(Class, [42]),
};

const REFUSED: Readonly<Record<string, Make>> = {
  'a body without place': (Class) => new Class('x', { status: 204 }),
  'an empty body without place': (Class) => new Class('', { status: 304 }),
  'json without place': (Class) => Class.json({}, { status: 205 }),
  'a status out of range': (Class) => new Class('x', { status: 99 }),
  'a header that is none': (Class) => new Class('x', { headers: { 'a b': 'c' } }),
  'what is no JSON': (Class) => Class.json(undefined),
};

function outside(response: Response): object {
  const { status, statusText, ok, type, url, redirected, headers, bodyUsed } = response;
  const { body } = response;
  return {
    ...{ status, statusText, ok, type, url, redirected, bodyUsed },
    headers: [...headers],
    cookies: headers.getSetCookie(),
    hasBody: body !== null,
    isLocked: body?.locked,
  };
}

async function outcome(call: () => unknown): Promise<unknown> {
  try {
    const value = await call();
    if (value instanceof Blob) return { type: value.type, text: await value.text() };
    if (value instanceof FormData) return [...value];
    return value;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.name : thrown;
  }
}

describe('AppResponse', () => {
  for (const [what, make] of Object.entries(MAKERS)) {
    it(`looks like Node's own, made of ${what}`, () => {
      assert.deepEqual(outside(make(AppResponse)), outside(make(Response)));
      assert.equal(inspect(make(AppResponse)), inspect(make(Response)));
    });

    for (const way of ['text', 'json', 'bytes', 'arrayBuffer', 'blob', 'formData'] as const) {
      it(`is read by ${way}() as Node's own, made of ${what}`, async () => {
        const ours = make(AppResponse);
        const nodes = make(Response);
        assert.deepEqual(await outcome(() => ours[way]()), await outcome(() => nodes[way]()));
        assert.deepEqual(outside(ours), outside(nodes));
        assert.deepEqual(await outcome(() => ours[way]()), await outcome(() => nodes[way]()));
        assert.deepEqual(
          await outcome(() => ours.clone().text()),
          await outcome(() => nodes.clone().text()),
        );
      });
    }

    it(`is cloned as Node's own, made of ${what}`, async () => {
      const [ours, nodes] = [make(AppResponse), make(Response)];
      const [our, node] = [ours.clone(), nodes.clone()];
      assert.deepEqual(outside(our), outside(node));
      for (const [one, other] of [
        [ours, nodes],
        [our, node],
      ] as const) {
        assert.deepEqual(await outcome(() => one.text()), await outcome(() => other.text()));
      }
    });
  }

  for (const [what, make] of Object.entries(REFUSED)) {
    it(`refuses ${what}, as Node's own does`, () => {
      const refusal = (Class: ResponseClass): unknown => {
        try {
          return make(Class);
        } catch (thrown) {
          return thrown instanceof Error ? [thrown.name, thrown.message] : thrown;
        }
      };
      assert.ok(Array.isArray(refusal(Response)));
      assert.deepEqual(refusal(AppResponse), refusal(Response));
    });
  }

  it('takes forms and streams', async () => {
    const sent = new AppResponse(form());
    assert.match(sent.headers.get('content-type') ?? '', /^multipart\/form-data; boundary=/);
    assert.match(await sent.text(), /name="field"\r\n\r\nvalue\r\n/);
    const stream = new AppResponse(new Blob(['one', 'two']).stream());
    assert.equal(stream.headers.get('content-type'), null);
    assert.equal(await stream.text(), 'onetwo');
  });

  it('can be made of another one', async () => {
    const first = new AppResponse('x', { status: 201, headers: [['set-cookie', 'a=1']] });
    first.headers.append('set-cookie', 'b=2');
    const second = new AppResponse(first.body, first);
    assert.equal(second.status, 201);
    assert.deepEqual(second.headers.getSetCookie(), ['a=1', 'b=2']);
    assert.equal(await second.text(), 'x');
    assert.equal(first.bodyUsed, true);
  });

  it('is what instanceof says of it, of its subclasses and of those that Node makes', () => {
    class Special extends AppResponse {}
    assert.ok(new AppResponse('x') instanceof Response);
    assert.ok(new Response('x') instanceof AppResponse);
    assert.ok(new Special('x') instanceof AppResponse);
    assert.ok(!(new AppResponse('x') instanceof Special));
    assert.ok(!(Object('x') instanceof AppResponse));
    assert.ok(!(new Request('http://localhost/') instanceof AppResponse));
  });

  it('keeps the bytes it was given, whatever becomes of them', async () => {
    const given = Buffer.from('before');
    const response = new AppResponse(given);
    given.write('after!');
    assert.equal(await response.text(), 'before');
  });

  describe('take', () => {
    it('hands text and bytes over as they are, and then the body is used', async () => {
      const response = new AppResponse('x');
      assert.equal(AppResponse.take(response), 'x');
      assert.equal(response.bodyUsed, true);
      assert.equal(AppResponse.take(response), undefined);
      await assert.rejects(response.text(), { name: 'TypeError' });
      assert.throws(() => response.clone(), { name: 'TypeError' });
      assert.deepEqual(AppResponse.take(new AppResponse(Buffer.from('x'))), new Uint8Array([120]));
    });

    it('leaves to the stream what was touched as one, and what Node made', () => {
      const touched = new AppResponse('x');
      assert.ok(touched.body);
      assert.equal(AppResponse.take(touched), undefined);
      assert.equal(AppResponse.take(new AppResponse()), undefined);
      assert.equal(AppResponse.take(new AppResponse(new Blob(['x']))), undefined);
      assert.equal(AppResponse.take(new Response('x')), undefined);
    });
  });
});
