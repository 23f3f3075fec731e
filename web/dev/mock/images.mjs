// Images of the make-believe platform: versions from candidate to retired, and which instance runs which.
const DAY_MS = 86_400_000;
const ago = (ms) => new Date(Date.now() - ms).toISOString();

function version(image, name, days, extra = {}) {
	return {
		version: name, reference: `registry.example:5000/paas/${image}:${name}`, digest: `sha256:${Buffer.from(`${image}-${name}`).toString('hex').padEnd(64, '0').slice(0, 64)}`,
		state: 'promoted', smoke: 'passed', smokeReport: 'PID 1 answers\nsshd answers\nthe app starts and ends in time\n', changelog: `- Security updates of Debian 12 as of ${ago(days * DAY_MS).slice(0, 10)}`,
		createdBy: 'token:ci', createdAt: ago(days * DAY_MS), smokeAt: ago(days * DAY_MS), promotedAt: ago((days - 0.2) * DAY_MS), retiredAt: null, ...extra,
	};
}

export function seededImages() {
	return [
		['tomcat', 'Li Wei (web platform)', 'Chen Yu (operations)', [version('tomcat', '10.1-1', 90, { state: 'retired', retiredAt: ago(30 * DAY_MS) }), version('tomcat', '10.1-2', 40), version('tomcat', '10.1-3', 2, { changelog: '- openssl 3.0.15-1: CVE-2024-5535\n- Tomcat 10.1.52' })]],
		['nodejs', 'Wang Fang (front end)', 'Chen Yu (operations)', [version('nodejs', '18-4', 25), version('nodejs', '18-5', 1, { state: 'candidate', promotedAt: null, changelog: '- Node.js 18.20.4: CVE-2024-36138' })]],
		['redis', 'Zhao Min (data)', 'Chen Yu (operations)', [version('redis', '7.0-1', 60), version('redis', '7.0-2', 1, { state: 'candidate', promotedAt: null, smoke: 'failed', smokeReport: 'PID 1 answers\nredis-cli ping: no answer in 10 s\n' })]],
	].map(([name, ownerDev, ownerOps, versions]) => ({ name, ownerDev, ownerOps, version: versions.filter((one) => one.state === 'promoted')[0].version, versions, updatedAt: ago(DAY_MS) }));
}

const live = (world, image) => world.instances.filter((one) => one.image === image.name && one.state !== 'retired');

export function imageInstances(world, image) {
	return live(world, image).map((one) => ({
		id: one.id, name: one.name, app: one.app, host: one.host, state: one.state, image: image.name, imageVersion: one.imageVersion,
		reference: `registry.example:5000/paas/${image.name}:${one.imageVersion}`, outdated: one.imageVersion !== image.version,
	}));
}

export function viewImage(world, image) {
	const instances = imageInstances(world, image);
	return {
		name: image.name, reference: `registry.example:5000/paas/${image.name}:${image.version}`, version: image.version, ownerDev: image.ownerDev, ownerOps: image.ownerOps, updatedAt: image.updatedAt,
		candidates: image.versions.filter((one) => one.state === 'candidate').length, instances: instances.length, outdated: instances.filter((one) => one.outdated).length,
	};
}

export function viewImageDetail(world, image) {
	const count = (name) => live(world, image).filter((one) => one.imageVersion === name).length;
	return {
		...viewImage(world, image), apps: world.apps.filter((app) => app.image === image.name).map((app) => app.name),
		versions: [...image.versions].sort((a, b) => b.createdAt.localeCompare(a.createdAt)).map((one) => ({ ...one, current: one.version === image.version, instances: count(one.version) })),
	};
}

/** promote or retire: an operation that is done at once. */
export function changeImage(world, image, name, verb, actor) {
	const chosen = image.versions.find((one) => one.version === name);
	const run = () => {
		if (verb === 'promote') {
			Object.assign(chosen, { state: 'promoted', promotedAt: ago(0) });
			image.version = name;
		} else {
			Object.assign(chosen, { state: 'retired', retiredAt: ago(0) });
		}
		world.emit(`image.${verb}d`, image.name, { actor, data: { version: name } });
		return name;
	};
	return world.operation(`image.${verb}`, `${image.name}:${name}`, '', actor, { version: name }, [{ name: verb, subject: image.name, run }]);
}

export function rebuildApp(world, app, actor) {
	const image = world.images.find((one) => one.name === app.image);
	const steps = world.instances.filter((one) => one.app === app.name && one.desired === 'running').flatMap((instance) => [
		{ name: 'rebuild', subject: instance.name, run: () => { world.setHealth(instance, 'starting'); instance.imageVersion = image.version; return image.version; } },
		{ name: 'health', subject: instance.name, run: () => { world.setHealth(instance, 'healthy'); return 'answered in 2 ms'; } },
	]);
	return world.operation('app.rebuild', app.name, app.name, actor, {}, steps);
}
