import { describe, expect, it } from 'vitest';
import type { Vlan } from '../api/types';
import { enteredVlan, SCOPE, subnetCommand, vlanBody, vlanCommand } from './vlan';

const vlan = { name: 'front-a', vlanId: 100, vrf: 'default', group: 'front', mtu: 9000, isolated: true, dnsZone: '', description: 'Front end', scopes: [{ kind: 'az', name: 'a' }] } as Vlan;

describe('editing a VLAN', () => {
	it('sends all that may change, and only at first what is fixed then', () => {
		expect(vlanBody(enteredVlan(vlan), false)).toEqual({ group: 'front', mtu: 9000, isolated: true, dnsZone: '', description: 'Front end', scopes: [{ kind: 'az', name: 'a' }] });
		expect(vlanBody(enteredVlan(vlan), true)).toMatchObject({ name: 'front-a', vlanId: 100, vrf: 'default' });
	});
	it('says the same as a command', () => {
		expect(vlanCommand(enteredVlan(vlan), true)).toBe("sotalia vlan create front-a --id=100 --vrf=default --group=front --mtu=9000 --isolated=yes '--description=Front end' --scope=az:a");
		expect(vlanCommand({ ...enteredVlan(vlan), scopes: [], isolated: false }, false)).toContain('--isolated=no');
		expect(vlanCommand({ ...enteredVlan(vlan), scopes: [] }, false)).toContain('--scope=everywhere');
		expect(subnetCommand('front-a', { cidr: '10.66.0.0/24', gateway: '10.66.0.1', first: '', last: '', dns: ['10.0.0.53'], description: '' })).toBe('sotalia subnet create front-a 10.66.0.0/24 --gateway=10.66.0.1 --dns=10.0.0.53');
	});
	it('knows what a reach looks like', () => {
		expect(['az:a', 'rack:r12', 'host:h7'].every((one) => SCOPE.test(one))).toBe(true);
		expect(['a', 'zone:a', 'az:'].some((one) => SCOPE.test(one))).toBe(false);
	});
});
