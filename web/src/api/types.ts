// The objects of the HTTP API. Field names are the columns of the *_v views (deploy/migrations/0005_api_views.sql, 0006_ipam_model.sql).
import type { Figures } from '../lib/usage';

export interface Resources {
	cpuMilli: number;
	memoryBytes: number;
	diskBytes: number;
}

export interface Host {
	id: string;
	name: string;
	az: string;
	rack: string;
	tags: string[];
	state: string;
	schedulable: boolean;
	hostname: string;
	kernel: string;
	dockerVersion: string;
	agentVersion: string;
	bootId: string;
	generation: number;
	unknownContainers: number;
	/** When it may be maintained, in UTC: its own windows, else those of its rack; none: any time. */
	windows: string[];
	rackWindows: string[];
	windowOpen: boolean;
	capacity: Resources;
	booked: Resources;
	instances: number;
	createdAt: string;
	seenAt: string | null;
}

/** What preflight finds: worst first. */
export interface HostFinding {
	id: string;
	severity: 'note' | 'warning' | 'error';
	what: string;
	why: string;
	mend: string;
	seen: string;
}

export interface HostUsage {
	host: Figures;
	items: Figures[];
	findings: HostFinding[];
}

export interface InsideProcess {
	pid: number;
	parent: number;
	state: string;
	uid: number;
	threads: number;
	memoryRssBytes: number;
	cpuMs: number;
	ageSeconds: number;
	command: string;
}

export interface InsideMount {
	target: string;
	type: string;
	source: string;
	options: string;
	readOnly: boolean;
}

export interface Inside {
	processes: InsideProcess[];
	processesTotal: number;
	mounts: InsideMount[];
	mountsTotal: number;
}

/** What clean-up freed on a host by a policy; mode `dry`: what it would have. */
export interface HostContainer {
	id: string;
	name: string;
	image: string;
	state: string;
	createdAt: string | null;
	kind: 'foreign' | 'lost' | 'copy';
	ignored: boolean;
	instanceName: string;
	app: string;
}

/** A package that is unpacked on a host. */
export interface HostPackage {
	sha256: string;
	/** What was uploaded with these bytes; none: nothing that is known any more. */
	versions: { kind: 'app' | 'middleware'; name: string; version: string }[];
	sizeBytes: number | null;
	ageSeconds: number;
	needed: boolean;
	/** 0: with the next run of clean-up; null: never while things are as they are. */
	removableInSeconds: number | null;
	instances: string[];
	instancesTotal: number;
}

export interface HostPackages {
	items: HostPackage[];
	total: number;
	cleanup: 'on' | 'dry' | 'off';
}

export interface HostCleanup {
	policy: string;
	mode: string;
	entries: number;
	bytes: number;
	lastEntries: number;
	lastBytes: number;
	lastAt: string;
}

export interface HealthCheck {
	kind: string;
	port?: number;
	path?: string;
	command?: string;
	intervalMs?: number;
	timeoutMs?: number;
	healthyAfter?: number;
	unhealthyAfter?: number;
	startPeriodMs?: number;
	restartAfter?: number;
}

export interface EnvironmentVariable {
	name: string;
	value: string;
}

export interface App {
	id: string;
	name: string;
	image: string;
	plan: string;
	/** A VLAN, or a group of VLANs. */
	vlan: string;
	command: string;
	health: HealthCheck;
	env: EnvironmentVariable[];
	version: string;
	deleting: boolean;
	wanted: number;
	ready: number;
	createdAt: string;
	updatedAt: string;
}

export interface NewApp {
	name: string;
	image: string;
	plan: string;
	/** A VLAN, or a group of VLANs. */
	vlan: string;
	command?: string;
	health: HealthCheck;
	env: EnvironmentVariable[];
	version?: string;
	count: number;
}

export interface AppVersion {
	app: string;
	version: string;
	sha256: string;
	sizeBytes: number;
	fileName: string;
	createdAt: string;
	createdBy: string;
	commit?: string;
	source?: string;
	signedBy?: string;
	instances?: number;
	/** By retention: only its name is left. */
	removed?: boolean;
}

export interface Group {
	id: string;
	app: string;
	name: string;
	environment: string;
	version: string;
	wanted: number;
	ready: number;
	/** Its own rules of elastic scaling; null: it has none. */
	elastic: Pick<Elastic, 'min' | 'max' | 'enabled' | 'dryRun'> | null;
}

export type ElasticMetric = 'cpu' | 'memory' | 'custom' | 'schedule';

/** A rule of elastic scaling; which members there are depends on the metric. */
export interface ElasticRule {
	name: string;
	metric: ElasticMetric;
	target?: number;
	windowSeconds?: number;
	value?: string;
	sum?: 'average' | 'sum';
	cron?: string;
	zone?: string;
	forSeconds?: number;
	count?: number;
}

export interface ElasticDecision {
	number: number;
	app: string;
	at: string;
	outcome: 'steady' | 'held' | 'scaled';
	hold: string;
	rule: string;
	count: number;
	wanted: number;
	to: number;
	load: number | null;
	target: number | null;
	reason: string;
	operation: string | null;
	/** Empty: the app as a whole. */
	group: string;
}

export interface Elastic {
	app: string;
	group: string;
	enabled: boolean;
	dryRun: boolean;
	min: number;
	max: number;
	upStep: number;
	downStep: number;
	upCooldownSeconds: number;
	downCooldownSeconds: number;
	stableSeconds: number;
	tolerancePercent: number;
	rules: ElasticRule[];
	count: number;
	changedAt: string | null;
	updatedAt: string;
	updatedBy: string;
	decision: ElasticDecision | null;
}

export interface Middleware {
	name: string;
	kind: string;
	versions: number;
	latest: string;
	apps: number;
	instances: number;
	createdAt: string;
}

export interface MiddlewareApp {
	app: string;
	team: string;
	image: string;
	labels: Record<string, string>;
	version: string;
	before: string;
	instancesByVersion: Record<string, number>;
	instances: number;
	healthy: number;
	windows: string[];
	optedOut: boolean;
}

export interface MiddlewareInstance {
	instance: string;
	app: string;
	host: string | null;
	version: string;
	appVersion: string;
	state: string;
	health: string;
	unknownSince: string | null;
}

export interface Instance {
	id: string;
	name: string;
	app: string;
	group: string;
	number: number;
	host: string | null;
	address: string | null;
	state: string;
	health: string;
	version: string;
	wantedVersion: string;
	desired: string;
	image: string;
	mac: string | null;
	vlanId: number | null;
	vlan: string;
	addressV6: string | null;
	bandwidthKbit: number;
	plan: string;
	cpuMilli: number;
	memoryBytes: number;
	diskBytes: number;
	generation: number;
	containerId: string;
	restarts: number;
	error: string;
	startedAt: string | null;
	observedAt: string | null;
	/** Its host has been silent since then: what it does is not known. */
	unknownSince: string | null;
	createdAt: string;
	updatedAt: string;
}

export interface OperationStep {
	ordinal: number;
	name: string;
	subject: string;
	state: string;
	detail: string;
	startedAt: string | null;
	finishedAt: string | null;
	/** Of a rollout, from 1. */
	batch?: number;
}

export interface RolloutStrategy {
	batch: number;
	batchPercent: number;
	canary: number;
	order: string;
	maxUnavailable: number;
	surge: number;
	pause: string;
	pauseSeconds: number;
	bakeSeconds: number;
	onFailure: 'stop' | 'roll_back';
	deadlineSeconds: number;
	drainSeconds?: number;
	rotationCommand?: string;
	errorPermilleMax?: number;
}

export interface Rollout {
	phase: 'rolling' | 'baking' | 'paused' | 'rolling_back';
	batch: number;
	batches: number;
	strategy: RolloutStrategy;
	pausedBy: string;
	goesBack: boolean;
	backBy: string;
	cause: string;
}

export interface Operation {
	id: string;
	kind: string;
	target: string;
	app: string;
	actor: string;
	state: string;
	waitsFor: string;
	error: string;
	progress: { done: number; total: number };
	spec: unknown;
	resourceId: string;
	createdAt: string;
	updatedAt: string;
	finishedAt: string | null;
	steps?: OperationStep[];
	rollout?: Rollout | null;
}

export interface LogLine {
	line: number;
	at: string;
	level: 'info' | 'warn' | 'error';
	text: string;
}

export interface Vlan {
	id: string;
	name: string;
	vlanId: number;
	vrf: string;
	group: string;
	mtu: number;
	isolated: boolean;
	dnsZone: string;
	description: string;
	/** Where it reaches; none: everywhere. */
	scopes: { kind: 'az' | 'rack' | 'host'; name: string }[];
	subnets: string[];
	createdAt: string;
	updatedAt: string;
}

export type UseLevel = 'ok' | 'notice' | 'warning' | 'critical';

/** Ranges of one name in a VLAN; an app asks for them as `name`. */
export interface Pool {
	/** VLAN/POOL */
	name: string;
	vlan: string;
	pool: string;
	/** GROUP/POOL, when its VLAN is of a group */
	groupName: string | null;
	vrf: string;
	ranges: { first: string; last: string; subnet: string }[];
	size: number;
	reserved: number;
	bound: number;
	static: number;
	cooling: number;
	excluded: number;
	conflict: number;
	suspect: number;
	level: UseLevel;
}
export interface Subnet {
	id: string;
	vlan: string;
	vlanId: number;
	vrf: string;
	cidr: string;
	family: 4 | 6;
	gateway: string | null;
	first: string;
	last: string;
	size: number;
	used: number;
	cooling: number;
	unusable: number;
	open: boolean;
	rank: number;
	weight: number;
	dns: string[];
	redundantGateway: boolean;
	description: string;
	level: UseLevel;
	/** null: it does not grow */
	daysLeft: number | null;
	createdAt: string;
	updatedAt: string;
}

/** A stretch of neighbours in one state; the runs of a map cover the subnet from end to end. */
export interface MapRun {
	first: string;
	last: string;
	state: string;
	count: number;
}

export interface SubnetMap {
	subnet: Subnet;
	ranges: { first: string; last: string; kind: string; owner: string; reason: string }[];
	runs: MapRun[];
	cut: boolean;
}

/** Where hosts and rows disagree, or a stranger. */
export interface Finding {
	address: string;
	vrf: string;
	kind: string;
	host: string | null;
	instance: string | null;
	mac: string | null;
	detail: string;
	firstAt: string;
	lastAt: string;
}

export interface Ipam {
	quarantineSince: string | null;
	quarantineReason: string;
	awaited: { host: string; reportedAt: string | null }[];
	brakeSince: string | null;
	brakeCandidates: number;
	brakeReason: string;
	findings: Record<string, number>;
	leaks: number;
	levels: Record<UseLevel, number>;
}

export interface Address {
	address: string;
	vlan: string;
	vrf: string;
	subnet: string;
	state: string;
	owner: string | null;
	instance: string | null;
	ownerName: string;
	host: string | null;
	mac: string | null;
	generation: number;
	leaseUntil: string | null;
	freeAfter: string | null;
	reason: string;
	updatedAt: string;
}

export interface AddressEvent {
	at: string;
	address: string;
	vrf: string;
	event: string;
	owner: string | null;
	instance: string | null;
	host: string | null;
	mac: string | null;
	generation: number;
	actor: string;
	operationId: string | null;
	reason: string;
}

export interface Plan extends Resources {
	name: string;
	bandwidthKbit: number;
	cpuPinned: boolean;
	pidsMax: number;
	ioWeight: number;
}

export interface Image {
	name: string;
	reference: string;
	/** The current version: what instances are made of from now on; '' while none was promoted. */
	version: string;
	ownerDev: string;
	ownerOps: string;
	candidates: number;
	instances: number;
	/** Instances of another version than the current one. */
	outdated: number;
	updatedAt: string;
}

export interface ImageVersion {
	version: string;
	reference: string;
	digest: string;
	state: string;
	current: boolean;
	smoke: string;
	smokeReport: string;
	changelog: string;
	createdBy: string;
	createdAt: string;
	smokeAt: string | null;
	promotedAt: string | null;
	retiredAt: string | null;
	instances: number;
}

export interface ImageDetail extends Image {
	apps: string[];
	versions: ImageVersion[];
}

export interface ImageInstance {
	id: string;
	name: string;
	app: string;
	host: string | null;
	state: string;
	image: string;
	imageVersion: string | null;
	reference: string;
	outdated: boolean;
}

/** One committed event as the console uses it, from GET /v1/events or from the stream. */
export interface PlatformEvent {
	stream: string;
	number: number;
	at: string;
	kind: string;
	subject: string;
	app: string;
	host: string;
	actor: string;
	operationId: string;
	data: Record<string, unknown>;
}

export interface Page<T> {
	items: T[];
	next: string | null;
	total: number;
	cursor: string;
}

export interface Accepted {
	/** null: it was done at once. */
	operation: Operation | null;
	resourceId: string;
	replayed?: boolean;
	/** Of a new token or webhook: shown only now. */
	token?: string;
}

export interface Me {
	name: string;
	role: string;
	csrfToken: string;
}

/** Ways to log in besides a password. */
export interface LogIn {
	oidc: { title: string; url: string } | null;
}

/** A rollout before it begins: who, in which order, from what to what. */
export interface RolloutPlan {
	batches: { number: number; canary: boolean; instances: { name: string; host: string; from: string; to: string; state: string; health: string }[] }[];
}

/** Whom a wave of a middleware would hit; `skipped`: each with the reason why it is left alone. */
export interface WavePlan {
	matched: { count: number; names: string[]; skipped?: string[] };
}

export interface AppSettings {
	app: string;
	labels: Record<string, string>;
	windows: string[];
	optOuts: string[];
	keepVersions: number;
	keepDays: number;
	/** The version that ran before the present one; empty: none. */
	versionBefore: string;
}

/** What the caller may do, route by route. */
export interface Permissions {
	role: string;
	routes: { operation: string; permitted: boolean; everywhere: boolean }[];
}

export interface Overview {
	hosts: { total: number; online: number; cordoned: number };
	apps: number;
	instances: { total: number; healthy: number; byState: Record<string, number> };
	openOperations: number;
	capacity: Resources;
	booked: Resources;
	addresses: { size: number; used: number; cooling: number };
	cursor: string;
}

export interface Problem {
	title?: string;
	status: number;
	code: string;
	detail: string;
	requestId: string;
	errors?: { pointer: string; detail: string }[];
}

// ---- the controller's answers (docs/explain.md) ----

export interface CapacitySums {
	hosts: number;
	open: number;
	total: Resources;
	reserved: Resources;
	booked: Resources;
	free: Resources;
	live: { cpuPermille: number; memoryPermille: number; hosts: number } | null;
}

export interface Capacity {
	hosts: number;
	groups: (CapacitySums & { az: string; rack: string; class: string })[];
	all: CapacitySums;
	/** How many more of each fit, by amounts alone, and on how many hosts. */
	plans: { plan: string; fits: number; hosts: number }[];
	largestPlan: string | null;
	stranded: { hosts: number; free: Resources; lacks: { of: string; hosts: number }[] };
	vlans: { vlan: string; group: string; free: number }[];
	appCount: number;
	apps: { app: string; instances: number; worstLoss: { host: number; rack: number; az: number } }[];
}

/** What a bridge to CAT says of itself (services/monitor-bridge). */
export interface BridgeStatus {
	version: string;
	leads: boolean;
	reports: string;
	domains: { hosts: string; instances: string; controller: string };
	cat: { up: boolean; server: string; servers: string[]; router: string; blocked: boolean; sample: number; framesSent: number; bytesSent: number };
	machines: { known: number; own: number };
	queue: { frames: number; bytes: number };
	made: { frames: number; heartbeats: number; metrics: number; events: number };
	lost: Record<string, number>;
	trouble: { at: string; times: number; text: string }[];
}

export interface Bridge {
	name: string;
	number: number;
	address: string;
	alive: boolean;
	joinedAt: string;
	leaseUntil: string;
	/** Empty until a bridge has told of itself for the first time. */
	status: BridgeStatus | Record<string, never>;
}

export interface Monitoring {
	bridges: Bridge[];
	events: { waiting: number; since: string | null };
}

/** A question to the bridges; `answer` is null until one has answered. */
export interface MonitorRequest {
	id: string;
	kind: 'test' | 'trace';
	argument: string;
	bridge: string | null;
	answer: { frames?: unknown[]; error?: string; connected?: boolean; server?: string } | null;
}

export interface DrainPlan {
	moves: number;
	stays: number;
	instances: { instance: string; app: string; from: string; to: string | null; keepsAddress: boolean; why: string }[];
}

export interface PlacementCost {
	total: number;
	open: number;
	load: number;
	fit: number;
	pressure: number;
	preference: number;
}

export interface PlacementParts {
	host: string;
	az: string;
	rack: string;
	vlan: string;
	/** How many of the app stood there before. */
	crowding: { az: number; rack: number; host: number };
	cost: PlacementCost;
}

export interface Refusal {
	count: number;
	text: string;
	hosts: number;
	reasons: { reason: string; name: string; hosts: number; only: number }[];
	nearest: { host: string; changes: { text: string }[] } | null;
}

export interface InstanceWhy {
	instance: string;
	host: string | null;
	decidedAt: string | null;
	operationId: string | null;
	need: Resources | null;
	hosts: number | null;
	candidates: number | null;
	refused: { reason: string; hosts: number }[] | null;
	chosen: PlacementParts | null;
	runnersUp: PlacementParts[] | null;
	refusal: Refusal | null;
}

/** Instance, host, VLAN; how many of the app stood in its zone, rack and on it before; open, load, fit, pressure, preference. */
export type PlacedRow = [string, string, string, number, number, number, number, number, number, number, number];

/** Those that are placed together; hosts, candidates, refused and who came next are those of the first. */
export interface Decision {
	placed: PlacedRow[];
	hosts?: number | null;
	candidates?: number | null;
	refused?: { reason: string; hosts: number }[] | null;
	runnersUp?: PlacedRow[] | null;
}

/** What a new app, or a change of an app's size, would do. */
export interface Forecast {
	have: number;
	want: number;
	/** Of a growth: what is placed together, with the grounds. */
	placements?: Decision[];
	refusal?: Refusal | null;
	/** What the VLANs that the app may use have left then. */
	addresses?: { vlan: string; free: number }[];
	/** Of a shrinking. */
	leaving?: { instance: string; host: string }[];
	etag: string;
}

/** A machine on its way into service. */
export interface Machine {
	name: string;
	address: string;
	az: string;
	rack: string;
	labels: string[];
	state: 'registered' | 'installing' | 'preflight' | 'online' | 'failed';
	task: string;
	error: string;
	attempt: number;
	operation: string;
	updatedAt: string;
}
/** One task of one attempt. */
export interface MachineLine {
	line: number;
	at: string;
	attempt: number;
	status: string;
	task: string;
	text: string;
}
export interface MachineImport {
	imported: number;
	unchanged: number;
	operation: { id: string } | null;
}
/** A wrong line of a list. */
export interface LineProblem {
	pointer: string;
	line: number;
	column: string;
	detail: string;
}

// ---- accounts, teams, webhooks (deploy/migrations/0040_rights.sql, 0042_webhooks.sql) ----

export interface User {
	name: string;
	role: string;
	disabled: boolean;
	/** password, or the provider that it comes from */
	origin: string;
	hasPassword: boolean;
	createdAt: string;
	lastLoginAt: string | null;
	grants: number;
	tokens: number;
	sessions: number;
}

/** Where a role or token is good: all that are not empty must fit. */
export interface Reach {
	team: string;
	app: string;
	environment: string;
}

export interface Grant extends Reach {
	id: string;
	user: string;
	role: string;
	createdAt: string;
	createdBy: string;
}

export interface Token extends Reach {
	id: string;
	user: string;
	description: string;
	role: string;
	createdAt: string;
	expiresAt: string;
	lastUsedAt: string | null;
	expired: boolean;
}

export interface Login {
	id: string;
	user: string;
	sourceAddress: string;
	createdAt: string;
	expiresAt: string;
}

export interface Quota extends Resources {
	instances: number;
}

/** A quota of 0 is without limit. */
export interface Team {
	name: string;
	quota: Quota;
	booked: Quota;
	apps: number;
}

export interface Webhook {
	name: string;
	url: string;
	kinds: string[];
	app: string;
	host: string;
	changed: string;
	paused: boolean;
	cursor: number;
	behind: number;
	tries: number;
	error: string;
	nextTryAt: string | null;
	deliveredAt: string | null;
	createdAt: string;
	createdBy: string;
	deadLetters: number;
}

export interface DeadLetter {
	webhook: string;
	first: number;
	last: number;
	error: string;
	tries: number;
	at: string;
}

// ---- the audit (deploy/migrations/0041_audit_chain.sql) ----

export interface AuditRow {
	id: number;
	at: string;
	actor: string;
	sourceAddress: string;
	requestId: string;
	action: string;
	target: string;
	result: string;
	operationId: string | null;
	detail: Record<string, unknown>;
	number: number;
	credential: string;
	changes: unknown;
	sha256: string;
}

/** One look at a stretch of the chain; an empty fault: every row is as it was written. */
export interface AuditCheck {
	checked: number;
	next: number;
	head: number;
	fault: string;
}

/** What an import of VLANs, subnets, ranges and addresses did, or would do. */
export interface ImportReport {
	id: string;
	fileName: string;
	kind: string;
	state: 'checked' | 'refused' | 'applied';
	dryRun: boolean;
	lines: number;
	changes: Record<'vlans' | 'subnets' | 'ranges' | 'addresses' | 'unchanged' | 'ignored', number>;
	errorCount: number;
}
