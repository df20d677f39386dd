import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostFixture } from '#test/host-fixture.ts';

const HEADER = ['Inter-|   Receive     |  Transmit', ' face |bytes packets'];
const LO = '    lo: 100 10 0 0 0 0 0 0 100 10 0 0 0 0 0 0';

function netDev(...lines: string[]): Record<string, string> {
  return { 'proc/net/dev': [...HEADER, ...lines].join('\n') };
}

function sysfsOf(name: string, attributes: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).map(([file, text]) => [`sys/class/net/${name}/${file}`, text]),
  );
}

describe('the netdev collector', () => {
  it('tells every counter of every interface but loopback', async () => {
    await using host = new HostFixture({
      collectors: ['netdev'],
      files: {
        ...netDev(LO, 'eth0:2731709973 69218 1 2 3 4 5 6  9 10 11 12 13 14 15 16'),
        ...sysfsOf('eth0', { 'statistics/rx_nohandler': '77' }),
      },
    });
    await host.tick();
    const expected = {
      ...{ receive_bytes: 2_731_709_973, receive_packets: 69_218, receive_errs: 1 },
      ...{ receive_drop: 2, receive_fifo: 3, receive_frame: 4, receive_compressed: 5 },
      ...{ receive_multicast: 6, transmit_bytes: 9, transmit_packets: 10, transmit_errs: 11 },
      ...{ transmit_drop: 12, transmit_fifo: 13, transmit_colls: 14, transmit_carrier: 15 },
      ...{ transmit_compressed: 16, receive_nohandler: 77 },
    };
    assert.deepEqual(
      host.values(),
      Object.fromEntries(
        Object.entries(expected).map(([name, value]) => [
          `node_network_${name}_total{device="eth0"}`,
          value,
        ]),
      ),
    );
  });

  it('shows every interface in the reading, its speed only where there is one', async () => {
    await using host = new HostFixture({
      collectors: ['netdev'],
      files: {
        ...netDev(LO, 'eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0', 'br0: 1', 'tun0: 1', 'bond0: 1'),
        ...sysfsOf('eth0', { speed: '10000' }),
        ...sysfsOf('br0', { speed: '-1' }),
        ...sysfsOf('bond0', { speed: '4294967295' }),
      },
    });
    const { interfaces } = await host.tick();
    assert.deepEqual(
      interfaces?.map(({ name, speedBitsPerSecond }) => [name, speedBitsPerSecond]),
      [
        ['lo', undefined],
        ['eth0', 10_000_000_000],
        ...['br0', 'tun0', 'bond0'].map((name) => [name, undefined]),
      ],
    );
    assert.deepEqual(interfaces?.[1], {
      name: 'eth0',
      bytesReceived: 1,
      packetsReceived: 2,
      errorsIn: 3,
      dropsIn: 4,
      bytesSent: 5,
      packetsSent: 6,
      errorsOut: 7,
      dropsOut: 8,
      speedBitsPerSecond: 10_000_000_000,
    });
  });

  it('follows interfaces that come and go', async () => {
    const line = (name: string) => `${name}: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0`;
    await using host = new HostFixture({
      collectors: ['netdev'],
      files: netDev(line('eth0'), line('tap1')),
    });
    await host.tick();
    host.tree.write(netDev(line('eth0'), line('tap2')));
    const { interfaces } = await host.tick();
    assert.deepEqual(
      interfaces?.map(({ name }) => name),
      ['eth0', 'tap2'],
    );
    assert.deepEqual(Object.keys(host.values('node_network_receive_bytes')), [
      'node_network_receive_bytes_total{device="eth0"}',
      'node_network_receive_bytes_total{device="tap2"}',
    ]);
  });

  it('leaves out what is malformed, and counters no double can hold exactly', async () => {
    await using host = new HostFixture({
      collectors: ['netdev'],
      files: netDev('no colon', 'eth0: 18446744073709551615 2 x 4', ': 9'),
    });
    const { interfaces } = await host.tick();
    const [eth0] = interfaces ?? [];
    assert.equal(eth0?.bytesReceived, undefined);
    assert.equal(eth0?.packetsReceived, 2);
    assert.equal(eth0?.errorsIn, undefined);
    assert.equal(eth0?.dropsIn, 4);
    assert.equal(host.value('node_network_receive_bytes_total{device="eth0"}'), undefined);
  });
});

const ETH0 = {
  ...{ operstate: 'up', carrier: '1', carrier_changes: '2', carrier_up_count: '1' },
  ...{ carrier_down_count: '1', addr_assign_type: '0', address: '02:fc:00:00:00:01' },
  ...{ broadcast: 'ff:ff:ff:ff:ff:ff', dev_id: '0x0', dormant: '0', duplex: 'full' },
  ...{ flags: '0x1003', ifalias: '', ifindex: '4', iflink: '4', link_mode: '0', mtu: '1400' },
  ...{ name_assign_type: '1', netdev_group: '0', speed: '1000', tx_queue_len: '1000', type: '1' },
};

describe('the netclass collector', () => {
  it('tells how an interface is set up', async () => {
    await using host = new HostFixture({
      collectors: ['netclass'],
      files: {
        ...netDev('eth0: 1'),
        ...sysfsOf('eth0', ETH0),
        'sys/class/net/bonding_masters': '',
      },
    });
    await host.tick();
    const network = (name: string) => host.value(`node_network_${name}{device="eth0"}`);
    assert.equal(network('up'), 1);
    assert.equal(network('carrier'), 1);
    assert.equal(network('carrier_changes_total'), 2);
    assert.equal(network('carrier_up_changes_total'), 1);
    assert.equal(network('carrier_down_changes_total'), 1);
    assert.equal(network('flags'), 0x1003);
    assert.equal(network('mtu_bytes'), 1400);
    assert.equal(network('speed_bytes'), 125_000_000);
    assert.equal(network('iface_id'), 4);
    assert.equal(Object.keys(host.values()).length, 19);
    assert.deepEqual(Object.keys(host.values('node_network_info')), [
      'node_network_info{address="02:fc:00:00:00:01",broadcast="ff:ff:ff:ff:ff:ff",' +
        'device="eth0",duplex="full",operstate="up"}',
    ]);
  });

  it('sees at once that a cable was pulled, and reads everything again', async () => {
    await using host = new HostFixture({
      collectors: ['netclass'],
      files: { ...netDev('eth0: 1'), ...sysfsOf('eth0', ETH0) },
    });
    await host.tick();
    host.tree.write(sysfsOf('eth0', { mtu: '9000' }));
    await host.tick();
    assert.equal(host.value('node_network_mtu_bytes{device="eth0"}'), 1400);
    host.tree.write(sysfsOf('eth0', { operstate: 'down' }));
    host.tree.remove('sys/class/net/eth0/carrier');
    await host.tick();
    assert.equal(host.value('node_network_up{device="eth0"}'), 0);
    assert.equal(host.value('node_network_carrier{device="eth0"}'), undefined);
    assert.equal(host.value('node_network_mtu_bytes{device="eth0"}'), 9000);
    assert.equal(Object.keys(host.values('node_network_info')).length, 1);
  });

  it('reads what changed without a sign of it after half a minute', async () => {
    await using host = new HostFixture({
      collectors: ['netclass'],
      files: { ...netDev('eth0: 1'), ...sysfsOf('eth0', ETH0) },
    });
    await host.tick();
    host.tree.write(sysfsOf('eth0', { mtu: '9000' }));
    await host.tick(30_000);
    assert.equal(host.value('node_network_mtu_bytes{device="eth0"}'), 9000);
  });

  it('follows interfaces that come and go', async () => {
    await using host = new HostFixture({
      collectors: ['netclass'],
      files: { ...netDev('eth0: 1'), ...sysfsOf('eth0', ETH0) },
    });
    await host.tick();
    host.tree.write({ ...netDev('tap1: 1'), ...sysfsOf('tap1', { operstate: 'unknown' }) });
    host.tree.remove('sys/class/net/eth0');
    await host.tick();
    assert.deepEqual(host.values(), {
      'node_network_info{device="tap1",operstate="unknown"}': 1,
      'node_network_up{device="tap1"}': 0,
    });
  });

  it('looks through a great many interfaces over several ticks', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `tap${index}`);
    const withMtu = (mtu: string) =>
      Object.assign({}, ...names.map((name) => sysfsOf(name, { operstate: 'up', mtu }))) as Record<
        string,
        string
      >;
    await using host = new HostFixture({
      collectors: ['netclass'],
      files: { ...netDev(...names.map((name) => `${name}: 1`)), ...withMtu('1500') },
    });
    const countOf = (mtu: number) =>
      Object.values(host.values('node_network_mtu_bytes')).filter((each) => each === mtu).length;
    await host.tick();
    assert.equal(countOf(1500), 40);
    host.tree.write(withMtu('9000'));
    await host.tick(30_000);
    assert.equal(countOf(9000), 16);
    await host.tick();
    await host.tick();
    assert.equal(countOf(9000), 40);
  });
});
