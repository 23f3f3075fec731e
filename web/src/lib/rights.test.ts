import { describe, expect, it } from 'vitest';
import { isOpenOn, rightsOf } from './rights';

const rights = (...routes: [string, boolean, boolean][]) => rightsOf({ role: 'viewer', routes: routes.map(([operation, permitted, everywhere]) => ({ operation, permitted, everywhere })) });

describe('what is offered', () => {
	const all = rights(['app_scale', true, false], ['app_get', true, true], ['user_create', false, false]);
	it('is what is open everywhere, whatever is said of one app', () => {
		expect(isOpenOn('app_get', all, undefined)).toBe(true);
	});
	it('is what a grant opens on this app, and not on another one', () => {
		expect(isOpenOn('app_scale', all, rights(['app_scale', true, false]))).toBe(true);
		expect(isOpenOn('app_scale', all, rights(['app_scale', false, false]))).toBe(false);
	});
	it('is not what nobody has answered about yet, nor what is unknown', () => {
		expect(isOpenOn('app_scale', all, undefined)).toBe(false);
		expect(isOpenOn('user_create', all, rights(['user_create', false, false]))).toBe(false);
		expect(isOpenOn('no_such_route', all, undefined)).toBe(false);
	});
});
