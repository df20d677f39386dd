/**
 * What an exporter says that it could not measure, of what a server is asked for. Its series are
 * not there then, which alone would look as if there were no such thing.
 */
import type { MissingPart } from '#fleet/source-feed.ts';
import type { SampleSet } from './sample-set.ts';

export const COLLECTOR_SUCCESS = 'node_scrape_collector_success';
const MOUNT_ERROR = 'node_filesystem_device_error';
/** These work on every Linux; others fail wherever there is nothing for them to collect. */
const COLLECTORS: ReadonlyMap<string, string> = new Map([
  ['cpu', 'processors'],
  ['meminfo', 'memory'],
  ['filesystem', 'filesystems'],
  ['diskstats', 'disks'],
  ['netdev', 'network links'],
  ['loadavg', 'load averages'],
]);
/** Of local ones that cannot be read, most are nobody's to read. */
const REMOTE = /^(?:nfs4?|cifs|smb3|ceph|lustre|beegfs|gpfs|fuse\.glusterfs)$/;

export function samplesToMissing(set: SampleSet): readonly MissingPart[] {
  const failing = set.all(COLLECTOR_SUCCESS).flatMap(({ labels, value }) => {
    const part = COLLECTORS.get(labels['collector'] ?? '');
    return part === undefined || value === 1 ? [] : [{ part, why: 'measuring that fails there' }];
  });
  const hanging = set.all(MOUNT_ERROR).flatMap(({ labels, value }) => {
    const { fstype = '', mountpoint = '' } = labels;
    if (value !== 1 || !REMOTE.test(fstype)) return [];
    return [{ part: mountpoint, why: `${fstype}, which does not answer there` }];
  });
  return [...failing, ...hanging];
}
