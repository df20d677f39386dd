import { FakeHost, FakeHypervisor } from '#backends/fake/fake-hypervisor.ts';
import { testHypervisor } from '#test/contract/hypervisor.ts';
import { kernelSpec } from '#test/contract/machine-spec.ts';

testHypervisor('FakeHypervisor', () => {
  const host = new FakeHost();
  return Promise.resolve({
    hypervisor: new FakeHypervisor(host),
    reopen: () => new FakeHypervisor(host),
    spec: kernelSpec({ kernelPath: '/pretended', initrdPath: undefined }),
    ready: 'booted',
    killFromOutside: (id) => host.end(id, { reason: 'process-died', message: 'killed' }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
