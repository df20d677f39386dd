import { testDiskWriter } from '#test/contract/disk-writer.ts';

testDiskWriter('RawWriter', { format: 'raw' });
