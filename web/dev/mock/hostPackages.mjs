// What is unpacked on a host of the make-believe platform: versions that its instances run, the one before, what nobody knows any more.
import { createHash } from 'node:crypto';

const MIB = 1024 * 1024;
const digest = (text) => createHash('sha256').update(text).digest('hex');

function entry(versions, megabytes, ageSeconds, instances, removableInSeconds) {
	const what = versions.map(({ name, version }) => `${name} ${version}`).join();
	return { sha256: digest(what || `unknown ${megabytes}`), versions, sizeBytes: megabytes * MIB, ageSeconds, needed: removableInSeconds === null, removableInSeconds, instances: instances.slice(0, 10), instancesTotal: instances.length };
}

export function hostPackages(world, host) {
	const here = world.instances.filter((one) => one.host === host && one.state !== 'retired');
	const items = [];
	for (const app of new Set(here.map((one) => one.app))) {
		const of = here.filter((one) => one.app === app && one.version);
		for (const version of new Set(of.map((one) => one.version))) {
			items.push(entry([{ kind: 'app', name: app, version }], 40 + app.length * 7, 86_400 * 2, of.filter((one) => one.version === version).map((one) => one.name), null));
		}
	}
	if (items.length > 0) {
		items.unshift(entry([{ kind: 'middleware', name: 'jdk', version: '17.0.9' }], 318, 86_400 * 40, here.map((one) => one.name), null));
		items.push(entry([{ kind: 'app', name: here[0].app, version: '0.9' }], 96, 86_400, [], 86_400 * 2));
		items.push(entry([], 12, 86_400 * 9, [], 0));
	}
	return { items, total: items.length, cleanup: 'on' };
}
