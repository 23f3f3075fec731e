import { describe, expect, it } from 'vitest';
import { type Found, isAddress, isOperationId, rank } from './palette';

const found = (name: string, to = `/hosts/${name}`): Found => ({ kind: 'host', name, to, hint: '' });

describe('the palette', () => {
	it('puts the whole name first, then beginnings, then the rest, each target once', () => {
		expect(rank([found('big-h1'), found('h10'), found('h1'), found('x'), found('H1', '/hosts/h1')], ' h1 ').map(({ name }) => name)).toEqual(['h1', 'h10', 'big-h1']);
	});
	it('shows no more than fit on a page', () => {
		expect(rank(Array.from({ length: 99 }, (_, at) => found(`h${at}`)), 'h')).toHaveLength(20);
	});
	it('asks for whole addresses and ids only', () => {
		expect([isAddress('10.66.0.5'), isAddress('2001:db8::5'), isAddress('10.66'), isAddress('shop')]).toEqual([true, true, false, false]);
		expect([isOperationId('0192f0c4-5a11-7000-8000-000000000001'), isOperationId('0192f0c4')]).toEqual([true, false]);
	});
});
