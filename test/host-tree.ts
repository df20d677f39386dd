/**
 * /proc and /sys of a made-up host with two sockets of two cores, NVMe, a bridge, a cable that is
 * out, and firmware tables: in the shapes real kernels use.
 */

const CPUS = ['0', '1', '2', '3'];

export const HOST_TREE: Readonly<Record<string, string>> = {
  ...under('proc', {
    stat: [
      'cpu  2500 60 1400 9000 210 4 80 12 90 6',
      ...CPUS.map((cpu) => `cpu${cpu} 62${cpu} 15 350 2250 52 1 20 3 22 1`),
      'intr 8885917 17 0 0 0 0 1 79281 0',
      'ctxt 38014093',
      'btime 1418183276',
      'processes 26442',
      'procs_running 2',
      'procs_blocked 1',
      'softirq 5057579 250191 1481983 1647 211099 186066 0 1783454 622196 12499 508444',
    ].join('\n'),
    meminfo: [
      ...['MemTotal:       65828348 kB', 'MemFree:         1200404 kB'],
      ...['MemAvailable:   40000000 kB', 'Active(file):    7000000 kB'],
      ...['SwapTotal:       8388604 kB', 'SwapFree:        8000000 kB'],
      ...[
        'HugePages_Total:      16',
        'Hugepagesize:       2048 kB',
        'VmallocTotal:   34359738367 kB',
      ],
    ].join('\n'),
    vmstat: ['nr_free_pages 300101', 'pgpgin 12', 'pgpgout 34', 'pswpin 5', 'pswpout 6']
      .concat(['pgfault 7890123', 'pgmajfault 4567', 'oom_kill 2', 'pgalloc_normal 8'])
      .join('\n'),
    loadavg: '12.30 4.05 0.00 3/1000 12345',
    uptime: '1234567.89 9876543.21',
    mdstat: [
      'Personalities : [linear] [raid0] [raid1] [raid6] [raid5] [raid4]',
      'md3 : active raid6 sda1[8] sdh1[7] sdg1[6](S) sdf1[5] sde1[11] sdd1[3](F) sdc1[10] sdb1[9]',
      '      5853468288 blocks super 1.2 level 6, 64k chunk, algorithm 2 [8/8] [UUUUUUUU]',
      '      ',
      'md127 : active raid1 sdi2[0] sdj2[1]',
      '      312319552 blocks [2/2] [UU]',
      '      bitmap: 0/1 pages [0KB], 65536KB chunk',
      '',
      'md0 : active raid1 sdk[2](S) sdi1[0] sdj1[1](F)',
      '      248896 blocks [2/1] [U_]',
      '      ',
      'md4 : inactive raid1 sda3[0](F) sdb3[1](S)',
      '      4883648 blocks',
      '      ',
      'md6 : active raid1 sdb2[2](F) sdc[1](S) sda2[0]',
      '      195310144 blocks [2/1] [U_]',
      '      [=>........]  recovery =  8.5% (16775552/195310144) finish=17min speed=2597K/s',
      '      ',
      'md8 : active raid1 sdb1[1] sda1[0] sdc[2](S) sde[3](S)',
      '      195310144 blocks [2/2] [UU]',
      '      [=>........]  resync =  8.5% (16775552/195310144) finish=17min speed=2597K/s',
      '      ',
      'md201 : active raid1 sda3[0] sdb3[1]',
      '      1993728 blocks super 1.2 [2/2] [UU]',
      '      [=>........]  check =  5.7% (114176/1993728) finish=0.2min speed=114176K/sec',
      '',
      'md7 : active raid1 sdb3[0] sde3[1]',
      '      7813735424 blocks super 1.2 [2/2] [UU]',
      '      \tresync=PENDING',
      '      bitmap: 0/1 pages [0KB], 65536KB chunk',
      '',
      'md9 : active raid0 sdc2[0] sdd2[1]',
      '      523968 blocks super 1.2 4k chunks',
      '      ',
      'unused devices: <none>',
    ].join('\n'),
    schedstat: [
      ...['version 15', 'timestamp 15819019232'],
      'cpu0 498494191 0 3533438552 255 3853684107 24 2045936778163039 343796328169361 4767485306',
      'domain0 00000000,00000003 212499247 210112015 1861015 1860405436 536440 369895',
      'cpu1 518377256 0 4155211005 277 10466382 28 1904686152592476 364107263788241 5145567945',
    ].join('\n'),
    diskstats: [
      '   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0',
      ' 259       0 nvme0n1 47114 4 4643973 21650 1078320 43950 3945 1011053 0 222766 1032546',
      ' 259       1 nvme0n1p1 1140 0 9370 16 1 0 1 0 0 16 16',
      '   8       0 sda 253546 343676 10033 18492 284447 111 569 638 3 965 8262 10 2 8 30 44 55',
      '   8       1 sda1 250 0 2000 36 0 0 0 0 0 36 36',
      ' 252       0 dm-0 5991 0 1003337 46229572 392 0 5056970 11585578 0 113259 12063 5 0 40 9',
    ].join('\n'),
    'net/dev': [
      'Inter-|   Receive                                    |  Transmit',
      ' face |bytes    packets errs drop fifo frame compressed multicast|bytes',
      '    lo: 435303245 1832522 0 0 0 0 0 0 435303245 1832522 0 0 0 0 0 0',
      '  eth0: 68210035552 520993275 1 2 3 4 5 6 9315587528 43451486 7 8 9 10 11 12',
      'br-lan:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16',
    ].join('\n'),
    'net/netstat': [
      'TcpExt: SyncookiesSent SyncookiesFailed EmbryonicRsts ListenDrops TCPTimeouts TCPSynRetrans',
      'TcpExt: 1 3 4 6 7 8',
      'IpExt: InNoRoutes InOctets OutOctets',
      'IpExt: 0 6286396970 2786264347',
    ].join('\n'),
    'net/snmp': [
      ...['Ip: Forwarding DefaultTTL InReceives', 'Ip: 1 64 57740232'],
      ...['Icmp: InMsgs InErrors OutMsgs', 'Icmp: 104 0 120'],
      ...['IcmpMsg: InType3 OutType3', 'IcmpMsg: 104 120'],
      'Tcp: RtoMin MaxConn ActiveOpens PassiveOpens CurrEstab InSegs OutSegs RetransSegs InErrs',
      'Tcp: 200 -1 3556 230 0 57252008 54915039 227 5',
      'Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors',
      'Udp: 88542 120 0 53028 9 8',
      ...['UdpLite: InDatagrams NoPorts InErrors', 'UdpLite: 0 0 0'],
    ].join('\n'),
    'net/snmp6': [
      ...['Ip6InReceives                   7', 'Ip6InOctets                     460'],
      ...['Ip6OutOctets                    536', 'Icmp6InMsgs                     0'],
      ...['Icmp6InErrors                   0', 'Icmp6OutMsgs                    8'],
      ...['Udp6InDatagrams                 0', 'Udp6RcvbufErrors                9'],
      'UdpLite6InErrors                0',
    ].join('\n'),
    'net/sockstat': [
      ...['sockets: used 229', 'TCP: inuse 4 orphan 0 tw 4 alloc 17 mem 1'],
      ...['UDP: inuse 0 mem 0', 'UDPLITE: inuse 0', 'RAW: inuse 0', 'FRAG: inuse 0 memory 0'],
    ].join('\n'),
    'net/sockstat6': [
      'TCP6: inuse 17',
      'UDP6: inuse 9',
      'RAW6: inuse 1',
      'FRAG6: inuse 0 memory 0',
    ].join('\n'),
    'net/softnet_stat': ['00049279 00000000 00000001', '01663fb2 0000001f 0000010a']
      .map((line) => `${line} ${Array<string>(8).fill('00000000').join(' ')}`)
      .join('\n'),
    'net/udp': [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid',
      socket('00000015:00000000'),
      socket('0000000A:000000FF'),
    ].join('\n'),
    'net/udp6':
      '  sl  local_address                         remote_address              st tx_queue',
    'net/arp': [
      'IP address       HW type     Flags       HW address            Mask     Device',
      '192.168.1.1      0x1         0x2         cc:aa:dd:ee:aa:bb     *        eth0',
      '192.168.1.3      0x1         0x0         00:00:00:00:00:00     *        eth0',
      '10.0.0.1         0x1         0x2         de:ad:be:ef:00:00     *        br-lan',
    ].join('\n'),
    'net/stat/nf_conntrack': [
      'entries  searched found new invalid ignore delete deleteList insert insertFailed drop',
      conntrack([33, 0, 10, 0, 3, 23_373, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0]),
      conntrack([33, 0, 0, 0, 2, 13_933, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 2]),
    ].join('\n'),
    'sys/net/netfilter/nf_conntrack_count': '123',
    'sys/net/netfilter/nf_conntrack_max': '65536',
    'sys/fs/file-nr': '1024\t0\t1631329',
    'sys/kernel/random/entropy_avail': '1337',
    'sys/kernel/random/poolsize': '4096',
    'pressure/cpu': 'some avg10=0.10 avg60=2.00 avg300=3.85 total=14036781',
    'pressure/io': pressure(159886802, 159229614),
    'pressure/memory': pressure(21, 9),
  }),
  ...under('sys/devices/system/cpu', {
    offline: '',
    isolated: '1,3-3',
    ...Object.fromEntries(CPUS.flatMap((cpu) => cpuFiles(Number(cpu)))),
  }),
  ...under('sys/class/net', {
    bonding_masters: 'bond0 dmz',
    'bond0/bonding/slaves': 'eth1 eth2',
    'bond0/lower_eth1/bonding_slave/mii_status': 'up',
    'bond0/lower_eth2/bonding_slave/mii_status': 'down',
    'dmz/bonding/slaves': '',
    ...under('bond0', { ...interfaceFiles('7'), operstate: 'up' }),
    ...under('dmz', { ...interfaceFiles('8'), operstate: 'down' }),
    ...under('lo', { ...interfaceFiles('1'), operstate: 'unknown', type: '772', flags: '0x9' }),
    ...under('eth0', {
      ...interfaceFiles('2'),
      ...{ operstate: 'up', carrier: '1', speed: '1000', duplex: 'full', ifalias: 'the "wan"' },
    }),
    ...under('br-lan', {
      ...interfaceFiles('3'),
      operstate: 'down',
      speed: '-1',
      duplex: 'unknown',
    }),
  }),
  ...under('sys/class/dmi/id', {
    ...{ bios_date: '04/12/2021', bios_release: '2.2', bios_vendor: 'Anvil Inc.' },
    ...{ bios_version: '2.2.4', board_name: '07PXPY', board_serial: '.7N62AI2.GRTCL6944100GP.' },
    ...{
      chassis_asset_tag: '',
      chassis_type: '23',
      product_name: 'Anvil R6515',
      sys_vendor: 'Anvil',
    },
  }),
  ...under('sys/devices/system/edac/mc/mc0', {
    ...{ ce_count: '1', ce_noinfo_count: '2', ue_count: '5', ue_noinfo_count: '6' },
    ...{ 'csrow0/ce_count': '3', 'csrow0/ue_count': '4', 'csrow12/ce_count': '7' },
    'csrow12/ue_count': '0',
  }),
  ...under('sys/class/nvme/nvme0', {
    ...{ firmware_rev: '1B2QEXP7', model: 'Fast SSD 970 PRO 512GB', serial: 'S680HF8N190894I' },
    state: 'live',
  }),
  'run/udev/data/b8:0': [
    ...['S:disk/by-id/wwn-0x50014ee0567d1d36', 'W:11', 'E:ID_ATA=1', 'E:ID_MODEL=Wheel_4TB'],
    ...['E:ID_REVISION=81.00A81', 'E:ID_SERIAL=Wheel_4TB_WD-1', 'E:ID_SERIAL_SHORT=WD-1'],
    ...['E:ID_ATA_WRITE_CACHE=1', 'E:ID_ATA_WRITE_CACHE_ENABLED=0', 'E:ID_WWN=0x50014ee0567d1d36'],
    ...['E:ID_ATA_ROTATION_RATE_RPM=7200', 'E:ID_PATH=pci-0000:00:1f.2-ata-1'],
  ].join('\n'),
  'run/udev/data/b252:0': [
    ...['E:DM_NAME=vg0--root', 'E:DM_UUID=LVM-1', 'E:DM_VG_NAME=vg0', 'E:DM_LV_NAME=root'],
    ...[
      'E:ID_FS_TYPE=ext4',
      'E:ID_FS_USAGE=filesystem',
      'E:ID_FS_UUID=5deb',
      'E:ID_FS_VERSION=1.0',
    ],
  ].join('\n'),
};

function under(directory: string, files: Record<string, string>): Record<string, string> {
  const entries = Object.entries(files);
  return Object.fromEntries(entries.map(([path, text]) => [`${directory}/${path}`, text]));
}

/** `67: 0100007F:0035 00000000:0000 07 TX:RX …` */
function socket(queues: string): string {
  return `   67: 0100007F:0035 00000000:0000 07 ${queues} 00:00000000 00000000 102 0 27 2 ff88 0`;
}

function conntrack(columns: readonly number[]): string {
  return columns.map((column) => column.toString(16).padStart(8, '0')).join(' ');
}

function pressure(some: number, full: number): string {
  const averages = 'avg10=0.00 avg60=0.01 avg300=0.07';
  return `some ${averages} total=${some}\nfull ${averages} total=${full}`;
}

function cpuFiles(cpu: number): [string, string][] {
  const directory = `cpu${cpu}`;
  return Object.entries({
    'topology/physical_package_id': String(cpu >> 1),
    'topology/core_id': String(cpu & 1),
    'thermal_throttle/core_throttle_count': String(5 + cpu),
    'thermal_throttle/package_throttle_count': String(30 + cpu),
    'cpufreq/cpuinfo_cur_freq': String(1_600_000 + cpu),
    'cpufreq/cpuinfo_max_freq': '3700000',
    'cpufreq/cpuinfo_min_freq': '800000',
    'cpufreq/scaling_cur_freq': String(1_699_981 + cpu),
    'cpufreq/scaling_max_freq': '3700000',
    'cpufreq/scaling_min_freq': '800000',
    'cpufreq/scaling_available_governors': 'performance powersave',
    'cpufreq/scaling_driver': 'intel_pstate',
    'cpufreq/scaling_governor': 'powersave',
    'cpufreq/scaling_setspeed': '<unsupported>',
    'cpufreq/related_cpus': String(cpu),
  }).map(([path, text]) => [`${directory}/${path}`, text]);
}

function interfaceFiles(index: string): Record<string, string> {
  return {
    ...{ addr_assign_type: '3', addr_len: '6', address: '01:01:01:01:01:01', mtu: '1500' },
    ...{ broadcast: 'ff:ff:ff:ff:ff:ff', carrier_changes: '2', carrier_up_count: '1' },
    ...{ carrier_down_count: '1', dev_id: '0x20', dormant: '0', flags: '0x1303', ifalias: '' },
    ...{ ifindex: index, iflink: index, link_mode: '1', name_assign_type: '2', netdev_group: '0' },
    ...{ tx_queue_len: '1000', type: '1' },
  };
}
