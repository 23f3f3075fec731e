import { describe, expect, it } from 'vitest';
import { forecastBody, newAppCommand, newAppFrom, partsOf, perHost, shownState, toneOf, vlanChoices } from './model';

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

describe('the state of an instance', () => {
	it('is unknown and grey while its host is silent, and its own otherwise', () => {
		const silent = shownState({ state: 'running', unknownSince: '2026-11-30T10:00:00Z' });
		expect([silent, toneOf(silent)]).toEqual(['unknown', 'unknown']);
		expect(shownState({ state: 'running', unknownSince: null })).toBe('running');
	});
});

describe('a new app', () => {
	const entered = { name: 'shop', image: 'tomcat', plan: 'small', vlan: 'apps', count: 3, healthKind: 'http' as const, port: 8080, path: '/' };
	it('is forecast as soon as there is enough to place it', () => {
		expect(forecastBody(entered)).toEqual(newAppFrom(entered));
		for (const lacking of [{ name: 'S' }, { image: '' }, { vlan: '' }, { plan: '' }, { count: 0 }, { port: undefined }]) {
			expect(forecastBody({ ...entered, ...lacking } as typeof entered)).toBeNull();
		}
		expect(forecastBody({ ...entered, healthKind: 'none', port: undefined } as never)).not.toBeNull();
		expect(forecastBody(undefined)).toBeNull();
	});
	it('is a command that says all of it', () => {
		expect(newAppCommand(entered)).toBe('sotalia app create shop --image=tomcat --plan=small --vlan=apps --count=3 --health=http --port=8080');
		expect(newAppCommand({ ...entered, path: '/ready', restartAfter: 5, command: 'java -jar x', env: [{ name: 'A', value: 'b c' }, undefined] })).toBe("sotalia app create shop --image=tomcat --plan=small --vlan=apps --count=3 '--command=java -jar x' --health=http --port=8080 --health-path=/ready --health-restart-after=5 '--env=A=b c'");
		expect(newAppCommand(undefined)).toBe('sotalia app create NAME --image=IMAGE --plan=PLAN --vlan=VLAN --count=1');
	});
	it('is told on what grounds', () => {
		expect(partsOf(['shop-default-01', 'h2', 'apps', 2, 1, 0, 0, 0.25, 0.5, 0.125, -0.5])).toEqual({ host: 'h2', az: '', rack: '', vlan: 'apps', crowding: { az: 2, rack: 1, host: 0 }, cost: { total: 0.375, open: 0, load: 0.25, fit: 0.5, pressure: 0.125, preference: -0.5 } });
	});
	it('goes to hosts in the order in which they come up', () => {
		expect(perHost([['a', 'h2'], ['b', 'h1'], ['c', 'h2']])).toEqual([['h2', 2], ['h1', 1]]);
	});
});
