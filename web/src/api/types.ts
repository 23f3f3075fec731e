// The objects of the HTTP API. Field names are the columns of the *_v views (deploy/migrations/0005_api_views.sql, 0006_ipam_model.sql).

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
	capacity: Resources;
	booked: Resources;
	instances: number;
	createdAt: string;
	seenAt: string | null;
}

export interface HealthCheck {
	kind: string;
	port?: number;
	path?: string;
	intervalMs?: number;
	timeoutMs?: number;
	healthyAfter?: number;
	unhealthyAfter?: number;
	startPeriodMs?: number;
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
	cpuMilli: number;
	memoryBytes: number;
	diskBytes: number;
	generation: number;
	containerId: string;
	restarts: number;
	error: string;
	startedAt: string | null;
	observedAt: string | null;
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
}

export interface Image {
	name: string;
	reference: string;
	updatedAt: string;
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
	operation: Operation;
	resourceId: string;
	replayed?: boolean;
}

export interface Me {
	name: string;
	role: string;
	csrfToken: string;
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
