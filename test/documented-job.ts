/** Requests for a migration: the example of the document, and the least there is to say. */

export const DOCUMENTED_JOB = {
  vm_path: 'Datacenter/vm/production/web-server-1',
  source: {
    type: 'vsphere',
    vcenter_url: 'vcenter.example.com',
    username: 'admin@vsphere.local',
    password: 's3cr3t-of-vcenter',
    datacenter: 'Datacenter',
  },
  destination: { type: 'kvm', libvirt_uri: 'qemu+ssh://user@host/system' },
  options: { conversion_method: 'vddk', network_mapping: { 'VM Network': 'br0' } },
};

export const LEAST_JOB = { vm_path: 'DC0/vm/a', destination: { type: 'kvm' } };
