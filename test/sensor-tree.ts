/** What sysfs shows of a small server with sensors: made up, in the shapes real drivers use. */
import { openFileTree } from './file-tree.ts';
import type { FileTree } from './file-tree.ts';

export function openSensorTree(): FileTree {
  const coretemp = 'devices/platform/coretemp.0/hwmon/hwmon0';
  const board = 'devices/platform/nct6775.656/hwmon/hwmon1';
  const nvme = 'devices/pci0000:00/0000:00:1d.0/nvme/nvme0/hwmon2';
  const meter = 'devices/virtual/hwmon/hwmon10';
  return openFileTree(
    {
      [`${coretemp}/name`]: 'coretemp',
      [`${coretemp}/temp1_input`]: '45000',
      [`${coretemp}/temp1_max`]: '80000',
      [`${coretemp}/temp1_crit`]: '100000',
      [`${coretemp}/temp1_crit_alarm`]: '0',
      [`${coretemp}/temp1_label`]: 'Package id 0',
      [`${coretemp}/temp2_input`]: '43500',
      [`${coretemp}/temp2_label`]: 'Core 0',
      [`${board}/name`]: 'nct6775',
      [`${board}/fan1_input`]: '1234',
      [`${board}/fan1_min`]: '300',
      [`${board}/fan1_div`]: '8',
      [`${board}/fan1_alarm`]: '0',
      [`${board}/in0_input`]: '1016',
      [`${board}/in0_max`]: '1744',
      [`${board}/in0_beep`]: '0',
      [`${board}/pwm1`]: '128',
      [`${board}/pwm1_enable`]: '2',
      [`${board}/temp3_input`]: '-62000',
      [`${board}/temp3_type`]: '4',
      [`${board}/temp3_fault`]: '0',
      [`${board}/intrusion0_alarm`]: '1',
      [`${board}/beep_enable`]: '1',
      [`${board}/update_interval`]: '1500',
      [`${nvme}/name`]: 'nvme',
      [`${nvme}/temp1_input`]: '38850',
      [`${nvme}/temp1_label`]: 'Composite',
      [`${meter}/name`]: 'power_meter',
      [`${meter}/power1_average`]: '187500000',
      [`${meter}/power1_average_interval`]: '1000',
      [`${meter}/power1_accuracy`]: '980000',
      [`${meter}/energy1_input`]: '123456789',
      [`${meter}/curr1_input`]: '2345',
      [`${meter}/humidity1_input`]: '41500',
      [`${meter}/temp1_input`]: 'not a number',
      'class/thermal/thermal_zone0/type': 'x86_pkg_temp',
      'class/thermal/thermal_zone0/temp': '49925',
      'class/thermal/thermal_zone0/policy': 'step_wise',
      'class/thermal/thermal_zone1/type': 'acpitz',
      'class/thermal/thermal_zone1/temp': '-44000',
      'class/thermal/thermal_zone1/policy': 'step_wise',
      'class/thermal/cooling_device0/type': 'Processor',
      'class/thermal/cooling_device0/cur_state': '0',
      'class/thermal/cooling_device0/max_state': '10',
      'class/powercap/intel-rapl/enabled': '1',
      ...raplZone('intel-rapl:0', 'package-0', '240422366267'),
      ...raplZone('intel-rapl:1', 'package-1', '118821284256'),
      ...raplZone('intel-rapl:0:0', 'core', '75000123'),
      ...raplZone('intel-rapl:1:0', 'core', '64000123'),
      'class/power_supply/AC/online': '1',
      'class/power_supply/AC/type': 'Mains',
      'class/power_supply/BAT0/type': 'Battery',
      'class/power_supply/BAT0/status': 'Discharging',
      'class/power_supply/BAT0/present': '1',
      'class/power_supply/BAT0/capacity': '81',
      'class/power_supply/BAT0/capacity_level': 'Normal',
      'class/power_supply/BAT0/cycle_count': '17',
      'class/power_supply/BAT0/energy_full': '50060000',
      'class/power_supply/BAT0/energy_full_design': '47520000',
      'class/power_supply/BAT0/energy_now': '49450000',
      'class/power_supply/BAT0/power_now': '4830000',
      'class/power_supply/BAT0/voltage_min_design': '10800000',
      'class/power_supply/BAT0/voltage_now': '12229000',
      'class/power_supply/BAT0/temp': '291',
      'class/power_supply/BAT0/manufacturer': 'LGC',
      'class/power_supply/BAT0/model_name': 'LNV-45N1',
      'class/power_supply/BAT0/serial_number': '38109',
      'class/power_supply/BAT0/technology': 'Li-ion',
    },
    {
      [`${coretemp}/device`]: '../../../coretemp.0',
      [`${board}/device`]: '../../../nct6775.656',
      [`${nvme}/device`]: '../../nvme0',
      'class/hwmon/hwmon0': `../../${coretemp}`,
      'class/hwmon/hwmon1': `../../${board}`,
      'class/hwmon/hwmon2': `../../${nvme}`,
      'class/hwmon/hwmon10': `../../${meter}`,
    },
  );
}

function raplZone(directory: string, name: string, microJ: string): Record<string, string> {
  return {
    [`class/powercap/${directory}/name`]: name,
    [`class/powercap/${directory}/energy_uj`]: microJ,
    [`class/powercap/${directory}/max_energy_range_uj`]: '262143328850',
  };
}
