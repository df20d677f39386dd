import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseXml } from '#kernel/xml.ts';
import { PropertyBag } from './property-collector.ts';
import { readState } from './vm-state.ts';

interface Facts {
  readonly version?: string;
  /** Type, name and size of each. */
  readonly files?: readonly (readonly [type: string, name: string, size?: number])[];
  readonly path?: string;
  readonly changeId?: string;
}

const LOG = ['log', '[ds] web/vmware.log'] as const;

function stateOf({ version = '1', files = [LOG], path = '[ds] web/web.vmdk', changeId }: Facts) {
  const list = files.map(
    ([type, name, size = 1]) =>
      `<f><name>${name}</name><type>${type}</type><size>${size}</size></f>`,
  );
  const values = new Map([
    ['config.changeVersion', parseXml(`<v>${version}</v>`)],
    ['layoutEx.file', parseXml(`<v>${list.join('')}</v>`)],
  ]);
  const bag = new PropertyBag({ type: 'VirtualMachine', id: 'vm-1' }, values);
  return readState(bag, [{ key: '2000', path, changeId }]);
}

describe('readState', () => {
  const older = ['log', '[ds] web/vmware-1.log'] as const;

  it('is another one after each start, change and snapshot', () => {
    const states = [
      stateOf({}),
      stateOf({ version: '2' }),
      stateOf({ files: [LOG, older] }),
      stateOf({ path: '[ds] web/web-000001.vmdk' }),
      stateOf({ changeId: '52 de/7' }),
    ];
    assert.equal(new Set(states).size, states.length);
  });

  it('is the same however files are sorted, as their sizes become known, and without a log', () => {
    const one = stateOf({ files: [LOG, older, ['swap', '[ds] web/web.vswp']] });
    const other = stateOf({ files: [older, ['diskExtent', '[ds] web/x', 7], [...LOG, 4096]] });
    assert.equal(one, other);
    const bag = new PropertyBag({ type: 'VirtualMachine', id: 'vm-1' }, new Map());
    assert.equal(readState(bag, []), readState(bag, []));
  });
});
