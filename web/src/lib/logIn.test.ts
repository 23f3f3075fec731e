import { describe, expect, it } from 'vitest';
import { refusalOf, wayBack } from './logIn';

describe('a log-in elsewhere', () => {
	it('is refused for a reason that is known, or another', () => {
		expect(refusalOf('')).toBeNull();
		expect(refusalOf('?logIn=groups&request=01a22762-8309-791f-b805-c2cebec8c88b')).toEqual({ reason: 'groups', request: '01a22762-8309-791f-b805-c2cebec8c88b' });
		expect(refusalOf('?logIn=constructor&request=call+0800-now')).toEqual({ reason: 'other', request: '' });
	});
	it('comes back to the page that it left, without what was said there', () => {
		expect(wayBack({ pathname: '/apps', search: '?q=a%26b&logIn=groups&request=x' })).toBe('/apps?q=a%26b');
		expect(wayBack({ pathname: '/', search: '' })).toBe('/');
		expect(wayBack({ pathname: `/${'a'.repeat(200)}`, search: '' })).toBe('/');
	});
});
