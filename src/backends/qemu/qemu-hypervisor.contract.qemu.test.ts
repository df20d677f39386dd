import { testHypervisor } from '#test/contract/hypervisor.ts';
import { openQemuHarness } from '#test/qemu-hypervisor.ts';

testHypervisor('QemuHypervisor', openQemuHarness);
