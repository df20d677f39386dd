import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from './errors.ts';
import { writeXml, xmlNode, type XmlNode } from './xml-writer.ts';
import { parseXml, type XmlElement, type XmlLimits } from './xml.ts';

/** Chance that is the same on each run, so that what it finds can be found again. */
function createChance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % below;
  };
}

function refusalOf(source: string | Uint8Array, limits?: Partial<XmlLimits>): DroverError {
  try {
    parseXml(source, limits);
  } catch (thrown) {
    assert.ok(thrown instanceof DroverError, String(thrown));
    return thrown;
  }
  return assert.fail('it was read');
}

describe('parseXml', () => {
  it('reads elements, attributes and text', () => {
    const root = parseXml('<?xml version="1.0"?>\n<vm id="7"><name>a b</name><name/>x</vm>\n');
    assert.equal(root.name, 'vm');
    assert.equal(root.attribute('id'), '7');
    assert.equal(root.text, 'x');
    assert.equal(root.textOf('name'), 'a b');
    assert.equal(root.childrenNamed('name').length, 2);
    assert.equal(root.child('nothing'), undefined);
  });

  it('goes by namespaces and not by prefixes', () => {
    const type = 'http://www.w3.org/2001/XMLSchema-instance';
    const texts = [
      `<a xmlns="urn:vim25" xmlns:xsi="${type}"><b xsi:type="T"/></a>`,
      `<v:a xmlns:v="urn:vim25"><v:b xmlns:XMLSchema-i="${type}" XMLSchema-i:type="T"/></v:a>`,
    ];
    for (const text of texts) {
      const root = parseXml(text);
      assert.deepEqual([root.name, root.namespace], ['a', 'urn:vim25']);
      assert.equal(root.child('b')?.attribute('type', type), 'T');
      assert.equal(root.child('b')?.attribute('type'), undefined);
      assert.equal(root.child('b')?.namespace, 'urn:vim25');
    }
  });

  it('lets a declaration hold inside its element only', () => {
    const root = parseXml('<a xmlns="one"><b xmlns="two"><c/></b><d xmlns=""/><e/></a>');
    assert.equal(root.child('b')?.child('c')?.namespace, 'two');
    assert.deepEqual(
      root.children.map((child) => child.namespace),
      ['two', '', 'one'],
    );
  });

  it('expands the five entities, characters by number, and CDATA', () => {
    const root = parseXml(
      '<a b="&quot;&#10;&lt;">&amp;&#65;&#x1F600;<!-- - --><![CDATA[<&amp;]]></a>',
    );
    assert.equal(root.text, '&A\u{1f600}<&amp;');
    assert.equal(root.attribute('b'), '"\n<');
  });

  it('reads line ends as line feeds, and in attributes as spaces', () => {
    const root = parseXml('<a b="1\r\n2\t3">x\r\ny\rz</a>');
    assert.equal(root.text, 'x\ny\nz');
    assert.equal(root.attribute('b'), '1 2 3');
  });

  it('reads bytes as UTF-8, with a mark at the start or without', () => {
    const bytes = Buffer.from('<a>ü€</a>');
    assert.equal(parseXml(bytes).text, 'ü€');
    assert.equal(parseXml(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])).text, 'ü€');
    assert.match(refusalOf(Buffer.from([0x3c, 0x61, 0x3e, 0xff])).message, /UTF-8/);
    const latin = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a/>');
    assert.match(refusalOf(latin).message, /ISO-8859-1/);
    assert.equal(refusalOf(Buffer.from('<a/>', 'utf16le')).kind, 'invalid_argument');
  });

  const malformed: readonly (readonly [text: string, says: RegExp])[] = [
    ['<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', /document type/],
    ['<a>&nbsp;</a>', /line 1, column 4: &nbsp; stands for nothing/],
    ['<a>\n  <b></a>', /line 2, column 6: <b> is closed by another name/],
    ['<a b="1" b="2"/>', /twice/],
    ['<a b=1/>', /quotes/],
    ['<a b/>', /no value/],
    ['<a b="<"/>', /"<"/],
    ['<a b="1"c="2"/>', /stray/],
    ['<x:a/>', /prefix x is not declared/],
    ['<a xmlns:x=""/>', /declares nothing/],
    ['<a:b:c/>', /colons/],
    ['<a/><b/>', /second root/],
    ['<a/>text', /outside/],
    ['text', /outside/],
    ['</a>', /no start/],
    ['< a/>', /name is missing/],
    ['<1/>', /name is missing/],
    ['<a / >', /"\/" must be the end/],
    ['<a><!ELEMENT b></a>', /markup is not known/],
    ['<a>&#0;</a>', /stands for nothing/],
    ['<a>&#x110000;</a>', /stands for nothing/],
    ['<a>&#xD800;</a>', /stands for nothing/],
    ['<a>\u0001</a>', /not allowed/],
    ['<a><!-- a -- b --></a>', /"--"/],
    ['<a>& b</a>', /stands for nothing/],
  ];
  for (const [text, says] of malformed) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const refusal = refusalOf(text);
      assert.match(refusal.message, says);
      assert.equal(refusal.kind, 'invalid_argument');
    });
  }

  it('says data_loss wherever a document breaks off', () => {
    const whole =
      '<?xml version="1.0"?><a xmlns:x="u" b="1"><!-- c --><x:b  c="2" /><![CDATA[d]]>&amp;e</a>';
    parseXml(whole);
    for (let length = 0; length < whole.length; length += 1) {
      const { kind, message } = refusalOf(whole.slice(0, length));
      const isInsideReference = /&[a-z]*$/.test(whole.slice(0, length));
      assert.equal(kind, isInsideReference ? 'invalid_argument' : 'data_loss', message);
    }
  });

  it('has limits on bytes, depth, elements, attributes and declarations', () => {
    assert.match(refusalOf('<a></a>', { bytes: 6 }).message, /longer than 6 bytes/);
    parseXml('<a><a/></a>', { depth: 2, elements: 2 });
    assert.match(refusalOf('<a><a><a/></a></a>', { depth: 2 }).message, /deeper than 2/);
    assert.match(refusalOf('<a><a/><a/></a>', { elements: 2 }).message, /more than 2 elements/);
    assert.match(refusalOf('<a b="" c=""/>', { attributes: 1 }).message, /1 attributes/);
    const level = Array.from({ length: 60 }, (_, at) => ` xmlns:p${at}="u"`).join('');
    assert.match(refusalOf(`<a${level}>`.repeat(6)).message, /too many declarations/);
  });

  it('takes deep nesting without running out of stack', () => {
    const deep = '<a>'.repeat(100_000) + '</a>'.repeat(100_000);
    assert.equal(parseXml(deep, { depth: 100_000 }).children.length, 1);
  });

  it('ends with an error that says what is wrong, whatever is changed in a document', () => {
    const chance = createChance(7);
    const seed = Buffer.from(
      '<s:E xmlns:s="u"><s:B a="1" b=\'2\'><v xmlns="w" s:t="x">&lt;&#x41;ü</v>' +
        '<![CDATA[]]></s:B></s:E>',
    );
    const pieces = ['<', '>', '&', ';', '"', '/', '!', '<![CDATA[', '<!--', ']]>', '&#', ':', '\0'];
    for (let round = 0; round < 5000; round += 1) {
      let text = seed.toString('latin1');
      for (let change = chance(4); change >= 0; change -= 1) {
        const at = chance(text.length + 1);
        const piece = pieces[chance(pieces.length)] ?? '';
        text = text.slice(0, at) + piece + text.slice(at + chance(3));
      }
      try {
        parseXml(Buffer.from(text, 'latin1'));
      } catch (thrown) {
        assert.ok(thrown instanceof DroverError, `${String(thrown)} for ${text}`);
        assert.ok(thrown.kind === 'invalid_argument' || thrown.kind === 'data_loss');
      }
    }
  });
});

describe('writeXml', () => {
  it('escapes what would be markup', () => {
    const node = xmlNode('a', { b: '"<&\n', c: undefined }, '<&>\r', xmlNode('d', {}), undefined);
    assert.equal(writeXml(node), '<a b="&quot;&lt;&amp;&#10;">&lt;&amp;&gt;&#13;<d/></a>');
  });

  it('indents elements, and leaves text as it is', () => {
    const node = xmlNode('a', {}, xmlNode('b', {}, ' x '), xmlNode('c', {}, xmlNode('d', {})));
    const text = writeXml(node, { isIndented: true });
    assert.equal(text, '<a>\n  <b> x </b>\n  <c>\n    <d/>\n  </c>\n</a>\n');
  });

  it('refuses characters that XML has not, and names that are none', () => {
    assert.throws(() => writeXml(xmlNode('a', {}, '\u0000')), /XML cannot hold/);
    assert.throws(() => writeXml(xmlNode('a', { b: '\ud800' })), /XML cannot hold/);
    assert.throws(() => writeXml(xmlNode('a b', {})), RangeError);
  });

  it('writes what parseXml reads back, whatever it is', () => {
    const chance = createChance(11);
    const letters = ['a', '&', '<', '>', '"', "'", '\n', '\r', '\t', ' ', ']]>', 'ü', '\u{1f600}'];
    const text = () =>
      Array.from({ length: 1 + chance(6) }, () => letters[chance(letters.length)]).join('');
    const build = (depth: number): XmlNode => {
      const attributes = chance(2) === 0 ? {} : { b: text(), 'c.d': text() };
      if (depth === 0 || chance(3) === 0) return xmlNode(`n${chance(9)}`, attributes, text());
      return xmlNode('m', attributes, ...Array.from({ length: chance(4) }, () => build(depth - 1)));
    };
    const compare = (node: XmlNode, element: XmlElement): void => {
      assert.equal(element.name, node.name);
      for (const [name, value] of Object.entries(node.attributes)) {
        assert.equal(element.attribute(name), value);
      }
      const nodes = node.content.filter((one) => typeof one === 'object');
      assert.equal(element.text, node.content.filter((one) => typeof one === 'string').join(''));
      assert.equal(element.children.length, nodes.length);
      nodes.forEach((child, at) => {
        const read = element.children[at];
        assert.ok(read !== undefined);
        compare(child, read);
      });
    };
    for (let round = 0; round < 300; round += 1) {
      const node = build(4);
      compare(node, parseXml(writeXml(node)));
    }
  });
});
