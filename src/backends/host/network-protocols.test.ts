import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { HostFixture } from '#test/host-fixture.ts';
import { readPageSize } from './page-size.ts';

const NETSTAT = [
  'TcpExt: SyncookiesSent PruneCalled ListenOverflows TCPTimeouts TW',
  'TcpExt: 1 2 3 4 5',
  'IpExt: InNoRoutes InOctets OutOctets',
  'IpExt: 0 28949171885 26222869462',
];
const SNMP = [
  'Ip: Forwarding DefaultTTL',
  'Ip: 1 64',
  'Tcp: RtoAlgorithm MaxConn ActiveOpens CurrEstab InErrs',
  'Tcp: 1 -1 18067 2 0',
  'UdpLite: InDatagrams InErrors',
  'UdpLite: 1 2',
];
const NETSTAT_VALUES = {
  node_netstat_TcpExt_SyncookiesSent: 1,
  node_netstat_TcpExt_ListenOverflows: 3,
  node_netstat_TcpExt_TCPTimeouts: 4,
  node_netstat_IpExt_InOctets: 28_949_171_885,
  node_netstat_IpExt_OutOctets: 26_222_869_462,
  node_netstat_Ip_Forwarding: 1,
  node_netstat_Tcp_ActiveOpens: 18_067,
  node_netstat_Tcp_CurrEstab: 2,
  node_netstat_Tcp_InErrs: 0,
  node_netstat_UdpLite_InErrors: 2,
};

describe('the netstat collector', () => {
  it('tells the counters that mean load or trouble', async () => {
    await using host = new HostFixture({
      collectors: ['netstat'],
      files: {
        'proc/net/netstat': NETSTAT.join('\n'),
        'proc/net/snmp': SNMP.join('\n'),
        'proc/net/snmp6': 'Ip6InOctets   7\nIp6InDelivers  8\nIcmp6OutMsgs 9\nUdpLite6InErrors 1',
      },
    });
    await host.tick();
    assert.deepEqual(host.values(), {
      ...NETSTAT_VALUES,
      node_netstat_Ip6_InOctets: 7,
      node_netstat_Icmp6_OutMsgs: 9,
      node_netstat_UdpLite6_InErrors: 1,
    });
    assert.equal(host.table.find('node_netstat_Ip_Forwarding')?.family.kind, 'untyped');
  });

  it('goes without IPv6, and learns anew when the columns are others', async () => {
    await using host = new HostFixture({
      collectors: ['netstat'],
      files: { 'proc/net/netstat': NETSTAT.join('\n'), 'proc/net/snmp': SNMP.join('\n') },
    });
    await host.tick();
    assert.deepEqual(host.values(), NETSTAT_VALUES);
    host.tree.write({
      'proc/net/netstat': 'TcpExt: TW ListenDrops\nTcpExt: 1 8\nIpExt: InOctets\nIpExt:',
    });
    await host.tick();
    assert.deepEqual(host.values('node_netstat_TcpExt'), { node_netstat_TcpExt_ListenDrops: 8 });
    assert.deepEqual(host.values('node_netstat_IpExt'), {});
  });
});

describe('the sockstat collector', () => {
  it('tells the sockets of every protocol, and memory in bytes as well', async () => {
    await using host = new HostFixture({
      collectors: ['sockstat'],
      files: {
        'proc/net/sockstat':
          'sockets: used 21\nTCP: inuse 4 orphan 0 tw 1 alloc 4 mem 2\nRAW: inuse 0',
        'proc/net/sockstat6': 'TCP6: inuse 3\nFRAG6: inuse 0 memory 5',
      },
    });
    await host.tick();
    assert.deepEqual(host.values(), {
      node_sockstat_sockets_used: 21,
      node_sockstat_TCP_inuse: 4,
      node_sockstat_TCP_orphan: 0,
      node_sockstat_TCP_tw: 1,
      node_sockstat_TCP_alloc: 4,
      node_sockstat_TCP_mem: 2,
      node_sockstat_TCP_mem_bytes: 8192,
      node_sockstat_RAW_inuse: 0,
      node_sockstat_TCP6_inuse: 3,
      node_sockstat_FRAG6_inuse: 0,
      node_sockstat_FRAG6_memory: 5,
    });
  });

  it('takes the size of a page from the kernel', async () => {
    const vector = Buffer.alloc(48);
    vector.writeBigUInt64LE(3n, 0);
    vector.writeBigUInt64LE(6n, 16);
    vector.writeBigUInt64LE(65_536n, 24);
    await using host = new HostFixture({ collectors: [], files: { 'proc/self/x': '' } });
    writeFileSync(`${host.tree.root}/proc/self/auxv`, vector);
    assert.equal(readPageSize(`${host.tree.root}/proc`), 65_536);
    assert.equal(readPageSize('/no-such-directory'), 4096);
    assert.match(String(readPageSize('/proc')), /^(4096|16384|65536)$/);
  });
});

describe('the softnet collector', () => {
  it('takes the number of the processor from the line, or from its place', async () => {
    const zeros = (count: number) => Array<string>(count).fill('00000000').join(' ');
    await using host = new HostFixture({
      collectors: ['softnet'],
      files: {
        'proc/net/softnet_stat': `00498a25 00000001 0000000f ${zeros(9)} 00000003 00000000`,
      },
    });
    await host.tick();
    assert.deepEqual(host.values(), {
      'node_softnet_processed_total{cpu="3"}': 0x498a25,
      'node_softnet_dropped_total{cpu="3"}': 1,
      'node_softnet_times_squeezed_total{cpu="3"}': 15,
    });
    host.tree.write({ 'proc/net/softnet_stat': `00000001 ${zeros(10)}\n00000002 ${zeros(10)}` });
    await host.tick();
    assert.deepEqual(host.values('node_softnet_processed'), {
      'node_softnet_processed_total{cpu="0"}': 1,
      'node_softnet_processed_total{cpu="1"}': 2,
    });
  });
});

describe('the udp_queues collector', () => {
  it('adds up the queues of all sockets', async () => {
    const socket = (queues: string) =>
      `  25: 0100007F:0035 00000000:0000 07 ${queues} 00:00000000 00000000     0        0 12 2 0 0`;
    await using host = new HostFixture({
      collectors: ['udp_queues'],
      files: {
        'proc/net/udp': [
          '  sl  local_address',
          socket('00000010:00000001'),
          socket('00000000:000000FF'),
        ].join('\n'),
      },
    });
    await host.tick();
    assert.deepEqual(host.values(), {
      'node_udp_queues{ip="v4",queue="tx"}': 16,
      'node_udp_queues{ip="v4",queue="rx"}': 256,
    });
  });
});

describe('the arp collector', () => {
  it('counts the neighbours of each interface', async () => {
    const header = 'IP address       HW type     Flags       HW address            Mask     Device';
    const neighbour = (device: string) => `192.0.2.1  0x1  0x2  02:fc:00:00:00:05  *  ${device}`;
    await using host = new HostFixture({
      collectors: ['arp'],
      files: { 'proc/net/arp': [header, ...['eth0', 'br0', 'eth0'].map(neighbour)].join('\n') },
    });
    await host.tick();
    assert.deepEqual(host.values(), {
      'node_arp_entries{device="eth0"}': 2,
      'node_arp_entries{device="br0"}': 1,
    });
    host.tree.write({ 'proc/net/arp': [header, neighbour('br0')].join('\n') });
    await host.tick();
    assert.deepEqual(host.values(), { 'node_arp_entries{device="br0"}': 1 });
  });
});

describe('the conntrack collector', () => {
  it('adds up the processors, and is content without a packet filter', async () => {
    await using host = new HostFixture({ collectors: ['conntrack'], files: { 'proc/x': '' } });
    await host.tick();
    assert.deepEqual(host.values(), {});
    const line = Array.from({ length: 17 }, (_, column) => column.toString(16).padStart(8, '0'));
    host.tree.write({
      'proc/sys/net/netfilter/nf_conntrack_count': '3',
      'proc/sys/net/netfilter/nf_conntrack_max': '262144',
      'proc/net/stat/nf_conntrack': ['entries searched', line.join(' '), line.join(' ')].join('\n'),
    });
    await host.tick(10_000);
    assert.deepEqual(host.values(), {
      node_nf_conntrack_entries: 3,
      node_nf_conntrack_entries_limit: 262_144,
      node_nf_conntrack_stat_found: 4,
      node_nf_conntrack_stat_invalid: 8,
      node_nf_conntrack_stat_ignore: 10,
      node_nf_conntrack_stat_insert: 16,
      node_nf_conntrack_stat_insert_failed: 18,
      node_nf_conntrack_stat_drop: 20,
      node_nf_conntrack_stat_early_drop: 22,
      node_nf_conntrack_stat_search_restart: 32,
    });
  });
});
