import { describe, expect, it } from 'vitest';
import { vlanChoices } from './model';

describe('what an app may name for its addresses', () => {
	it('is each VLAN or its group once, and behind them their named pools', () => {
		const vlans = [{ name: 'front-a', group: 'front' }, { name: 'front-b', group: 'front' }, { name: 'lab', group: '' }];
		const pools = [{ name: 'lab/edge', groupName: null }, { name: 'front-a/out', groupName: 'front/out' }, { name: 'front-b/out', groupName: 'front/out' }];
		expect(vlanChoices(vlans, pools).map((choice) => choice.value)).toEqual(['front', 'front-a', 'front-b', 'lab', 'front-a/out', 'front-b/out', 'front/out', 'lab/edge']);
	});
	it('is nothing without VLANs', () => {
		expect(vlanChoices([], [])).toEqual([]);
	});
});
